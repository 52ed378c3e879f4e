/* Answers each request with the same bytes, which are its only argument.
 *
 * As server.py, and as little HTTP/1.1: requests are framed with
 * Content-Length, connections are kept alive.  One thread over epoll, one
 * bounded buffer for each connection.  It prints its port, and ends when its
 * standard input does.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_SIZE = 16384, EVENTS = 256, BACKLOG = 1024 };

struct connection {
    int socket;
    size_t received; /* Of requests that are not answered yet. */
    size_t owed;     /* Bytes of answers that are still to be sent. */
    char request[REQUEST_SIZE];
};

static const char *answer;
static size_t answer_size;
static int epoll;

static void fail(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void watch(int operation, int socket, unsigned events, void *whose) {
    struct epoll_event event = {.events = events, .data.ptr = whose};
    if (epoll_ctl(epoll, operation, socket, &event) < 0)
        fail("epoll_ctl");
}

/* Return the size of the first request: 0 if its head is not whole, and more
 * than fits if its body can't be counted. */
static size_t request_size(const char *request, size_t received) {
    static const char length[] = "content-length:";
    const char *end = memmem(request, received, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    size_t body = 0;
    const char *line = request;
    while (line < end) {
        if (strncasecmp(line, length, sizeof length - 1) == 0)
            body = strtoul(line + sizeof length - 1, NULL, 10);
        line = (const char *)memchr(line, '\n', end + 2 - line) + 1;
    }
    if (body > REQUEST_SIZE)
        return REQUEST_SIZE + 1;
    return (size_t)(end + 4 - request) + body;
}

/* Take the requests that are whole; return whether more can come. */
static int count_requests(struct connection *its) {
    size_t taken = 0;
    for (;;) {
        size_t left = its->received - taken;
        size_t size = request_size(its->request + taken, left);
        if (size > REQUEST_SIZE)
            return 0;
        if (size == 0 || size > left)
            break;
        taken += size;
        its->owed += answer_size;
    }
    its->received -= taken;
    memmove(its->request, its->request + taken, its->received);
    return its->received < REQUEST_SIZE;
}

/* Send what is owed, as far as the socket takes it; return whether it lives. */
static int send_answers(struct connection *its) {
    while (its->owed > 0) {
        size_t rest = (its->owed - 1) % answer_size + 1;
        const char *from = answer + answer_size - rest;
        ssize_t sent = send(its->socket, from, rest, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        its->owed -= (size_t)sent;
    }
    return 1;
}

/* Read and answer; return whether the connection lives. */
static int serve(struct connection *its) {
    int waited = its->owed > 0;
    if (!waited) {
        ssize_t read = recv(its->socket, its->request + its->received,
                            REQUEST_SIZE - its->received, 0);
        if (read < 0)
            return errno == EAGAIN || errno == EINTR;
        its->received += (size_t)read;
        if (read == 0 || !count_requests(its))
            return 0;
    }
    if (!send_answers(its))
        return 0;
    /* Whoever does not read their answers is not read from, either. */
    if (waited != (its->owed > 0))
        watch(EPOLL_CTL_MOD, its->socket, its->owed ? EPOLLOUT : EPOLLIN, its);
    return 1;
}

static void accept_one(int listener) {
    int on = 1;
    int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0)
        return;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *its = malloc(sizeof *its);
    if (its == NULL)
        fail("malloc");
    its->socket = socket;
    its->received = its->owed = 0;
    watch(EPOLL_CTL_ADD, socket, EPOLLIN, its);
}

static int listen_on_loopback(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || bind(listener, (void *)&address, size) < 0 ||
        listen(listener, BACKLOG) < 0 ||
        getsockname(listener, (void *)&address, &size) < 0)
        fail("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(int count, char **arguments) {
    struct epoll_event events[EVENTS];
    int input = STDIN_FILENO, listener;
    if (count != 2 || *arguments[1] == '\0')
        return EXIT_FAILURE;
    answer = arguments[1];
    answer_size = strlen(answer);
    if ((epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
        fail("epoll_create1");
    listener = listen_on_loopback();
    watch(EPOLL_CTL_ADD, listener, EPOLLIN, &listener);
    watch(EPOLL_CTL_ADD, input, EPOLLIN, &input);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            void *whose = events[i].data.ptr;
            if (whose == &input)
                return EXIT_SUCCESS;
            if (whose == &listener) {
                accept_one(listener);
            } else if (!serve(whose)) {
                close(((struct connection *)whose)->socket);
                free(whose);
            }
        }
    }
}
