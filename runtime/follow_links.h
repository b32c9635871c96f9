/* Where a file that is to be written lies: both programs write through symbolic links. */
#ifndef CNN_FOLLOW_LINKS_H
#define CNN_FOLLOW_LINKS_H

/* What the path leads to through links, be it there or not, for the caller to free. NULL with errno set:
 * ELOOP where links lead in a circle, ENOMEM. */
char *cnn_follow_links(const char *path);

#endif
