# Every example that trains: the compiled gradients against finite differences. Their losses are over random data, so no
# data set is needed.
for example in x_or_o shapes lenet5 fashion keras_sequential keras_functional cifar10_tutorial resnet20; do
    options=()
    samples=3
    # One block a stage is ResNet's structure at a third of the time.
    if [ $example = resnet20 ]; then
        options=(-D depth=1)
        samples=1
    fi
    check "$example compiles with --gradcheck" "$CNNC" --gradcheck "${options[@]}" "$ROOT/examples/$example.cnn" -o checked &&
        check "$example's gradients" ./checked gradcheck --samples $samples
done
for example in corner smiley vertical_edge horizontal_edge sobel rgb_disc; do
    check "$example compiles" "$CNNC" "$ROOT/examples/$example.cnn" -o fixed_example
    check "$example runs" ./fixed_example summary
done
