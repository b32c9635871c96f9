"""One measurement of a peer: worker.py TASK, a JSON object with net, peer, work, batch, threads, seconds and folder (where the
ONNX files lie). Prints a JSON object: milliseconds for each kind of work. With the peer `prepare` it writes the ONNX files
instead, where the task asks for them, and prints the number of the twin's parameters.

Inputs are made before the clock starts; PyTorch infers in inference mode; all compute in float32."""
import json
import os
import statistics
import sys
import time

from nets import FASHION, NETS

WARM_RUNS, LEAST_RUNS = 3, 3


def median_ms(run, seconds):
    """The median of the runs that fit into the time, the first ones left out."""
    end, runs = time.perf_counter() + 0.2 * seconds, 0
    while runs < WARM_RUNS or time.perf_counter() < end:
        run()
        runs += 1
    times, now = [], time.perf_counter()
    end = now + seconds
    while now < end or len(times) < LEAST_RUNS:
        begin = now
        run()
        now = time.perf_counter()
        times.append(now - begin)
    return statistics.median(times) * 1e3


def onnx_path(task, batch):
    return os.path.join(task["folder"], f"{task['net']}_{batch}.onnx")


def prepare(task, net):
    import torch
    from twins import MAKERS

    torch.set_num_threads(task["threads"])
    torch.manual_seed(1)
    model = MAKERS[task["net"]]()
    if task["onnx"]:
        model.eval()
        for batch in {1, task["batch"]}:
            torch.onnx.export(model, (torch.rand(batch, *net.input),), onnx_path(task, batch), dynamo=True,
                              external_data=False, verbose=False)  # fmt: skip
    return {"parameters": sum(parameter.numel() for parameter in model.parameters())}


def measure_torch(task, net, seconds):
    import torch
    from torch.nn import functional as F
    from twins import MAKERS

    torch.set_num_threads(task["threads"])
    torch.manual_seed(1)
    compiled, channels_last = task["peer"].startswith("compile"), task["peer"].endswith("channels_last")
    memory = {"memory_format": torch.channels_last} if channels_last else {}
    model = MAKERS[task["net"]]().to(**memory)
    x, y = torch.rand(task["batch"], *net.input).to(**memory), torch.randint(net.classes, (task["batch"], *net.pixels))
    result = {}

    if "train" in task["work"]:
        # A small rate: made-up data would drive the weights away, and the time does not depend on it.
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9, weight_decay=net.weight_decay, fused=True)
        compute = torch.compile(model, dynamic=False) if compiled else model

        def step():
            optimizer.zero_grad()
            F.cross_entropy(compute(x), y).backward()
            optimizer.step()

        result["train"] = median_ms(step, seconds)

    model.eval()
    with torch.inference_mode():
        for work, samples in (("inference", x), ("one", x[:1].clone(memory_format=torch.preserve_format))):
            if work in task["work"]:
                # Frozen: the weights become constants in the layout that the kernels want, norms go into convolutions.
                compute = torch.compile(model, dynamic=False, options={"freezing": True}) if compiled else model
                result[work] = median_ms(lambda: compute(samples), seconds)
    return result


def measure_onnxruntime(task, net, seconds):
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = task["threads"], 1
    result = {}
    for work, batch in (("inference", task["batch"]), ("one", 1)):
        if work in task["work"]:
            session = onnxruntime.InferenceSession(onnx_path(task, batch), options, providers=["CPUExecutionProvider"])
            samples = numpy.random.default_rng(1).random((batch, *net.input), numpy.float32)
            binding = session.io_binding()
            binding.bind_ortvalue_input(session.get_inputs()[0].name, onnxruntime.OrtValue.ortvalue_from_numpy(samples))
            output = numpy.empty(session.get_outputs()[0].shape, numpy.float32)
            binding.bind_ortvalue_output(session.get_outputs()[0].name, onnxruntime.OrtValue.ortvalue_from_numpy(output))
            result[work] = median_ms(lambda: session.run_with_iobinding(binding), seconds)
    return result


def measure_openvino(task, net, seconds):
    import numpy
    import openvino

    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": task["threads"], "INFERENCE_PRECISION_HINT": "f32"}
    result = {}
    for work, batch in (("inference", task["batch"]), ("one", 1)):
        if work in task["work"]:
            compiled = openvino.Core().compile_model(onnx_path(task, batch), "CPU", settings)
            request = compiled.create_infer_request()
            samples = numpy.random.default_rng(1).random((batch, *net.input), numpy.float32)
            request.set_input_tensor(openvino.Tensor(samples))

            def run():
                request.start_async()
                request.wait()

            result[work] = median_ms(run, seconds)
    return result


def main():
    task = json.loads(sys.argv[1])
    net = (NETS | {"fashion": FASHION})[task["net"]]
    measures = {"onnxruntime": measure_onnxruntime, "openvino": measure_openvino}
    if task["peer"] == "prepare":
        result = prepare(task, net)
    else:
        result = measures.get(task["peer"], measure_torch)(task, net, task["seconds"])
    print(json.dumps(result))


if __name__ == "__main__":
    main()
