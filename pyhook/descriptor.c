// Descriptors: which resources a file descriptor, a file object or a socket stands for.
// SPDX-License-Identifier: Apache-2.0
#include "descriptor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container.h"
#include "location.h"
#include "resource.h"

enum { RAW_FILE, TEXT, READER, WRITER, BOTH, BYTES, FILE_TYPES, LAYERS_MAX = 4 };
static PyTypeObject *file_types[FILE_TYPES];
static PyObject *socket_fileno;  // _socket.socket.fileno

int descriptor_open(void) {
    static const char *const names[FILE_TYPES] = {
        [RAW_FILE] = "FileIO",       [TEXT] = "TextIOWrapper",  [READER] = "BufferedReader",
        [WRITER] = "BufferedWriter", [BOTH] = "BufferedRandom", [BYTES] = "BytesIO"};
    PyObject *io = PyImport_ImportModule("_io");
    for (int i = 0; io != NULL && i < FILE_TYPES; i++) {
        file_types[i] = (PyTypeObject *)PyObject_GetAttrString(io, names[i]);
        if (file_types[i] == NULL)
            Py_CLEAR(io);
    }
    PyObject *sockets = io != NULL ? PyImport_ImportModule("_socket") : NULL;
    PyObject *type = sockets != NULL ? PyObject_GetAttrString(sockets, "socket") : NULL;
    socket_fileno = type != NULL ? PyObject_GetAttrString(type, "fileno") : NULL;
    Py_XDECREF(type);
    Py_XDECREF(sockets);
    Py_XDECREF(io);
    return socket_fileno != NULL ? 0 : -1;
}

// ------------------------------------------------------------------------------ what was seen

// What objects were open on, when they are closed by now: their accesses are announced as before.
// Overwritten when there are too many, which costs executions.
enum { SEEN_MAX = 512, KEYS_MAX = 6 };
static struct seen {
    uint32_t identity;  // of the object (location.h); 0: free
    struct fr_access accesses[KEYS_MAX];
    uint32_t count;
    bool is_full;
} seen[SEEN_MAX];
static bool has_seen;  // in this execution: most programs open nothing

static struct seen *seen_of(PyObject *object) {
    uint32_t identity = location_identity(object);
    struct seen *slot = &seen[identity & (SEEN_MAX - 1)];
    has_seen = true;
    if (slot->identity != identity)
        *slot = (struct seen){.identity = identity};
    return slot;
}

static void note(struct seen *slot, uint64_t key, enum fr_mode mode) {
    for (uint32_t i = 0; i < slot->count; i++)
        if (slot->accesses[i].key == key) {
            if (slot->accesses[i].mode != mode)
                slot->accesses[i].mode = FR_WRITE;
            return;
        }
    slot->is_full |= slot->count == KEYS_MAX;
    if (slot->count < KEYS_MAX)
        slot->accesses[slot->count++] = (struct fr_access){.key = key, .mode = mode};
}

static void add_seen(struct access_list *list, const struct seen *slot) {
    for (uint32_t i = 0; i < slot->count; i++)
        access_add(list, slot->accesses[i].key, slot->accesses[i].mode);
    access_add(list, resource_of_all(), slot->is_full ? FR_WRITE : FR_READ);
}

void descriptor_begin(void) {
    if (has_seen)
        memset(seen, 0, sizeof seen);
    has_seen = false;
}

// ------------------------------------------------------------------------------ sockets

static void name_endpoint(uint64_t key, const void *address, uint16_t port) {
    char text[INET6_ADDRSTRLEN] = "", whole[INET6_ADDRSTRLEN + 16];
    const unsigned char *bytes = address;
    if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)address))
        inet_ntop(AF_INET, bytes + 12, text, sizeof text);
    else
        inet_ntop(AF_INET6, address, text, sizeof text);
    snprintf(whole, sizeof whole, "%s:%u", text, (unsigned)port);
    resource_name(key, "socket", whole);
}

// One address, or all of this machine: who uses one of them meets who uses all.
static void note_endpoint(struct seen *slot, const struct in6_addr *address, uint16_t port,
                          bool is_stream) {
    struct in6_addr any_v4 = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}}};
    bool is_any = IN6_IS_ADDR_UNSPECIFIED(address) || memcmp(address, &any_v4, sizeof any_v4) == 0;
    uint64_t all = resource_of_endpoint(NULL, port);
    char text[32];
    snprintf(text, sizeof text, "on port %u", (unsigned)port);
    resource_name(all, "socket", text);
    // A datagram may be for all who listen.
    note(slot, all, is_any || !is_stream ? FR_WRITE : FR_WRITE_WEAK);
    if (is_any)
        return;
    uint64_t key = resource_of_endpoint(address, port);
    name_endpoint(key, address, port);
    note(slot, key, FR_WRITE);
}

// False: neither IPv4 nor IPv6.
static bool read_address(const struct sockaddr_storage *from, struct in6_addr *to, uint16_t *port) {
    if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
        *to = v6->sin6_addr;
        *port = ntohs(v6->sin6_port);
        return true;
    }
    if (from->ss_family != AF_INET)
        return false;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
    memset(to, 0, sizeof *to);
    memset((unsigned char *)to + 10, 0xff, 2);
    memcpy((unsigned char *)to + 12, &v4->sin_addr, 4);
    *port = ntohs(v4->sin_port);
    return true;
}

static bool note_socket(struct seen *slot, int descriptor) {
    struct sockaddr_storage address;
    int type = 0;
    socklen_t length = sizeof type;
    if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) < 0)
        return false;
    for (int peer = 0; peer < 2; peer++) {
        length = sizeof address;
        memset(&address, 0, sizeof address);
        int failed = peer ? getpeername(descriptor, (struct sockaddr *)&address, &length)
                          : getsockname(descriptor, (struct sockaddr *)&address, &length);
        struct in6_addr host;
        uint16_t port;
        if (failed < 0 && peer)
            return true;  // not connected (any more)
        if (failed < 0)
            return false;
        if (address.ss_family == AF_UNIX) {
            resource_name(resource_of_unix(), "Unix socket", "");
            note(slot, resource_of_unix(), FR_WRITE);
            return true;
        }
        if (!read_address(&address, &host, &port))
            return false;
        if (port != 0)
            note_endpoint(slot, &host, port, type == SOCK_STREAM);
    }
    return true;
}

// -1: closed; -2: not to be had.
static int number_of(PyObject *callable, PyObject *object) {
    PyObject *number = PyObject_CallOneArg(callable, object);
    int descriptor = number != NULL ? (int)PyLong_AsLong(number) : -2;
    Py_XDECREF(number);
    if (PyErr_Occurred())
        PyErr_Clear();
    return descriptor;
}

bool descriptor_add_socket(struct access_list *list, PyObject *socket) {
    int error = errno;
    struct seen *slot = seen_of(socket);
    int descriptor = number_of(socket_fileno, socket);
    bool understood = descriptor >= 0 ? note_socket(slot, descriptor) : descriptor == -1;
    add_seen(list, slot);
    list->may_go_on = true;
    list->looks_outside = true;
    errno = error;
    return understood;
}

bool descriptor_add_address(struct access_list *list, PyObject *socket, PyObject *address) {
    PyObject *host = PyTuple_Check(address) && PyTuple_GET_SIZE(address) >= 2
                         ? PyTuple_GET_ITEM(address, 0)
                         : NULL;
    if (host == NULL || !PyUnicode_Check(host) || !PyLong_Check(PyTuple_GET_ITEM(address, 1)))
        return false;
    const char *text = PyUnicode_AsUTF8(host);
    long port = PyLong_AsLong(PyTuple_GET_ITEM(address, 1));
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return false;
    }
    struct in6_addr v6;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    uint16_t ignored;
    if (inet_pton(AF_INET, *text != '\0' ? text : "0.0.0.0", &v4.sin_addr) == 1) {
        struct sockaddr_storage storage = {0};
        memcpy(&storage, &v4, sizeof v4);
        read_address(&storage, &v6, &ignored);
    } else if (inet_pton(AF_INET6, text, &v6) != 1) {
        return false;  // a name: whose it is, is asked of others
    }
    if (port < 0 || port > UINT16_MAX)
        return true;  // an OverflowError
    int type = 0, descriptor = number_of(socket_fileno, socket);
    socklen_t length = sizeof type;
    bool is_stream = descriptor >= 0 &&
                     getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
                     type == SOCK_STREAM;
    struct seen here = {0};
    if (port != 0)
        note_endpoint(&here, &v6, (uint16_t)port, is_stream);
    add_seen(list, &here);
    return true;
}

// ------------------------------------------------------------------------------ descriptors

// Adds what is open, as a file whose position is the object's own (reads) or not.
static bool note_descriptor(struct seen *slot, int descriptor, bool write) {
    struct stat status;
    if (fstat(descriptor, &status) < 0)
        return false;
    if (S_ISSOCK(status.st_mode))
        return note_socket(slot, descriptor);
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) && !S_ISFIFO(status.st_mode) &&
        !S_ISCHR(status.st_mode))
        return false;  // what stands behind an epoll, an eventfd, a timer ...
    uint64_t key = resource_of_inode(status.st_dev, status.st_ino);
    char link[32], target[256] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, target, sizeof target - 1);
    const char *slash = length > 0 ? strrchr(target, '/') : NULL;
    if (S_ISFIFO(status.st_mode))
        resource_name(key, "pipe", "");
    else
        resource_name(key, S_ISDIR(status.st_mode) ? "directory" : "file",
                      slash != NULL ? slash + 1 : "");
    bool is_stored = S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
    note(slot, key, write || !is_stored ? FR_WRITE : FR_READ);
    return true;
}

bool descriptor_add(struct access_list *list, int descriptor, bool write) {
    int error = errno;
    struct seen here = {0};
    bool understood = descriptor >= 0 && note_descriptor(&here, descriptor, write);
    add_seen(list, &here);
    access_add(list, resource_of_descriptors(), FR_READ);
    list->may_go_on = true;
    list->looks_outside = true;
    errno = error;
    return understood;
}

// ------------------------------------------------------------------------------ file objects

// The stream under a buffer or a text stream, new reference; NULL: none (any more). The types are
// exact, so that their attributes are C.
static PyObject *under(PyObject *file) {
    bool is_text = Py_IS_TYPE(file, file_types[TEXT]);
    PyObject *inner = PyObject_GetAttrString(file, is_text ? "buffer" : "raw");
    if (inner == NULL)
        PyErr_Clear();
    return inner;
}

static int kind_of(PyObject *file) {
    int kind = 0;
    while (kind < FILE_TYPES && !Py_IS_TYPE(file, file_types[kind]))
        kind++;
    return kind;
}

static bool was_opened_by_path(PyObject *raw) {
    PyObject *name = PyObject_GetAttrString(raw, "name");
    bool by_path = name != NULL && !PyLong_Check(name);
    if (name == NULL)
        PyErr_Clear();
    Py_XDECREF(name);
    return by_path;
}

static bool note_raw(struct seen *slot, PyObject *raw) {
    static PyObject *fileno;
    if (fileno == NULL)
        fileno = PyObject_GetAttrString((PyObject *)file_types[RAW_FILE], "fileno");
    int descriptor = fileno != NULL ? number_of(fileno, raw) : -2;
    if (descriptor < 0) {
        PyErr_Clear();
        return true;  // closed
    }
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0)
        return false;
    bool reads_only = (flags & O_ACCMODE) == O_RDONLY && was_opened_by_path(raw);
    return note_descriptor(slot, descriptor, !reads_only);
}

bool descriptor_add_file(struct access_list *list, PyObject *file) {
    int error = errno;
    struct seen *slot = seen_of(file);
    PyObject *layer = Py_NewRef(file);
    bool understood = true, is_stored = true;
    for (int depth = 0; understood && layer != NULL && depth < LAYERS_MAX; depth++) {
        int kind = kind_of(layer);
        if (kind == RAW_FILE)
            understood = note_raw(slot, layer);
        else if (kind == BYTES)
            is_stored = false;
        else
            understood = kind < FILE_TYPES;
        PyObject *inner = understood && kind != RAW_FILE && kind != BYTES ? under(layer) : NULL;
        Py_SETREF(layer, inner);
    }
    understood &= layer == NULL;
    Py_XDECREF(layer);
    if (is_stored)
        add_seen(list, slot);
    errno = error;
    return understood;
}
