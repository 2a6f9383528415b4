// Outside calls: what a call does to the world outside the process.
// SPDX-License-Identifier: Apache-2.0
#include "outside_call.h"

#include <fcntl.h>
#include <string.h>

#include "container.h"
#include "descriptor.h"
#include "effect.h"
#include "library.h"
#include "outside.h"
#include "path.h"
#include "point.h"
#include "resource.h"
#include "site.h"

static const char *const functions[] = {
    "posix", "io",   "_io",     "_socket",  "_posixsubprocess", "fcntl",           "select",
    "mmap",  "_ssl", "termios", "_sqlite3", "_posixshmem",      "_multiprocessing"};
static const char *const modules[] = {
    "pathlib", "shutil",  "tempfile",     "subprocess", "socket", "selectors",       "glob",
    "sqlite3", "urllib",  "http",         "ssl",        "shelve", "genericpath",     "fileinput",
    "smtplib", "ftplib",  "zipfile",      "tarfile",    "gzip",   "multiprocessing", "linecache",
    "dbm",     "mailbox", "filecmp",      "mmap",       "os",     "posixpath",       "bz2",
    "lzma",    "codecs",  "configparser", "imaplib",    "poplib", "socketserver",    "xmlrpc",
    "pty",     "runpy",   "py_compile",   "compileall", "wave",   "netrc",           "mimetypes"};
// Is the word, or its part before the first dot (of a file's name: or slash), in the list?
static bool has_word(const char *word, const char *const *names, size_t count) {
    size_t length = strcspn(word, "./>");
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == length && strncmp(word, names[i], length) == 0)
            return true;
    return false;
}

static bool has_name(PyObject *text, const char *const *names, size_t count) {
    const char *name = text != NULL && PyUnicode_Check(text) ? PyUnicode_AsUTF8(text) : NULL;
    if (name == NULL)
        PyErr_Clear();
    return name != NULL && has_word(name, names, count);
}

static PyObject *library_home;  // str: the directory of os.py, and a slash

int outside_call_open(void) {
    PyObject *os = PyImport_ImportModule("os");
    PyObject *file = os != NULL ? PyObject_GetAttrString(os, "__file__") : NULL;
    Py_XDECREF(os);
    if (file == NULL)
        return -1;
    Py_ssize_t length = PyUnicode_GET_LENGTH(file);
    Py_ssize_t slash = PyUnicode_FindChar(file, '/', 0, length, -1);
    library_home = PyUnicode_Substring(file, 0, slash + 1);
    Py_DECREF(file);
    return library_home != NULL && slash >= -1 ? 0 : -1;
}

// Where the name of the library's module begins in the name of its file; NULL: it is none.
static const char *module_in(PyObject *file) {
    static const char frozen[] = "<frozen ";
    const char *text = PyUnicode_AsUTF8(file), *home = PyUnicode_AsUTF8(library_home);
    PyErr_Clear();
    if (text == NULL || home == NULL)
        return NULL;
    if (strncmp(text, frozen, sizeof frozen - 1) == 0)
        return text + sizeof frozen - 1;
    return strncmp(text, home, strlen(home)) == 0 ? text + strlen(home) : NULL;
}

void outside_call_add_generator(struct access_list *list, PyObject *generator) {
    PyObject *code = PyObject_GetAttrString(generator, "gi_code");
    PyErr_Clear();
    if (code == NULL || !PyCode_Check(code) || site_is_known((PyCodeObject *)code)) {
        Py_XDECREF(code);
        return;
    }
    const char *module = module_in(((PyCodeObject *)code)->co_filename);
    if (module != NULL && has_word(module, modules, sizeof modules / sizeof *modules))
        outside_add_all(list);
    Py_DECREF(code);
}

// ------------------------------------------------------------------------------ what is called

enum use {
    USE_ALL,
    USE_NOTHING,
    USE_PROCESS,
    USE_OPEN,
    USE_OS_OPEN,
    USE_LOOK,
    USE_LOOK_LINK,
    USE_STAT,
    USE_STAT_LINK,
    USE_LIST,
    USE_READ,
    USE_REPLACE,
    USE_MAKE,
    USE_PARENTS,
    USE_REMOVE,
    USE_CHANGE,
    USE_RULES,
    USE_RENAME,
    USE_LINK,
    USE_SYMLINK,
    USE_CHDIR,
    USE_HERE,
    USE_DESCRIPTOR,
    USE_STATUS,
    USE_CLOSE,
    USE_DUPLICATE,
    USE_TWO,
    USE_ALLOCATE,
    USE_SOCKET,
    USE_ADDRESS
};

static const struct row {
    const char *module, *name;
    enum use use;
    const char *parameter;
} rows[] = {
#define OUTSIDE(module_, name_, effect_, parameter_) {module_, name_, USE_##effect_, parameter_},
#include "outside.def"
#undef OUTSIDE
};

// For Python code the module is known by the first part of its name. NULL: not named.
static const struct row *find_row(const char *module, size_t length, const char *name) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strlen(rows[i].module) == length && strncmp(rows[i].module, module, length) == 0 &&
            strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static const struct row unknown = {.use = USE_ALL, .parameter = ""};

static const struct row *row_of_python(PyObject *function) {
    PyObject *module = ((PyFunctionObject *)function)->func_module;
    PyObject *qualified = ((PyFunctionObject *)function)->func_qualname;
    // One that functools.wraps has made of a method in C does not say where it is from.
    PyCodeObject *code = (PyCodeObject *)PyFunction_GET_CODE(function);
    const char *first = module != NULL && PyUnicode_Check(module) ? PyUnicode_AsUTF8(module)
                                                                  : module_in(code->co_filename);
    if (first == NULL || !has_word(first, modules, sizeof modules / sizeof *modules)) {
        PyErr_Clear();
        return NULL;
    }
    const char *name = PyUnicode_AsUTF8(qualified);
    PyErr_Clear();
    if (name == NULL)
        return &unknown;
    const char *dot = strrchr(name, '.');
    const struct row *row = find_row(first, strcspn(first, "./>"), dot != NULL ? dot + 1 : name);
    return row != NULL ? row : &unknown;
}

void outside_call_add_instance(struct access_list *list, PyObject *object) {
    static PyObject *word;
    if (word == NULL)
        word = PyUnicode_InternFromString("__module__");
    PyTypeObject *type = Py_TYPE(object);
    if (word == NULL || !PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) || type->tp_dict == NULL)
        return;
    // Operators of paths only compute, and os.environ is traced.
    static const char *const others[] = {"pathlib", "os"};
    PyObject *module = PyDict_GetItemWithError(type->tp_dict, word);
    if (has_name(module, modules, sizeof modules / sizeof *modules) &&
        !has_name(module, others, sizeof others / sizeof *others))
        outside_add_all(list);
    PyErr_Clear();
}

static const char *name_of_method(PyObject *callable) {
    if (PyCFunction_Check(callable))
        return ((PyCFunctionObject *)callable)->m_ml->ml_name;
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type))
        return ((PyMethodDescrObject *)callable)->d_method->ml_name;
    return Py_IS_TYPE(callable, &PyWrapperDescr_Type)
               ? ((PyWrapperDescrObject *)callable)->d_base->name
               : NULL;
}

static const struct row *row_of_type(PyTypeObject *type) {
    const char *name = container_c_type(type)->tp_name;
    const char *dot = strrchr(name, '.');
    if (!outside_has_type(type) || dot == NULL)
        return NULL;
    const struct row *row = find_row(name, (size_t)(dot - name), dot + 1);
    return row != NULL ? row : &unknown;
}

// What outside.def says; NULL: no use of the outside, or only of its self.
static const struct row *row_of(const struct outside_call *call) {
    PyObject *callable = call->callable;
    if (PyFunction_Check(callable))
        return row_of_python(callable);
    if (PyType_Check(callable))
        return row_of_type((PyTypeObject *)callable);
    // A function of a shared library does what nobody knows.
    const char *type_name = container_c_type(Py_TYPE(callable))->tp_name;
    if (strncmp(type_name, "_ctypes.", 8) == 0 && strstr(type_name, "FuncPtr") != NULL)
        return &unknown;
    const char *name = name_of_method(callable);
    if (name != NULL && call->self != NULL && !PyModule_Check(call->self)) {
        PyTypeObject *type = container_c_type(Py_TYPE(call->self));
        return outside_has_type(type) ? find_row(type->tp_name, strlen(type->tp_name), name) : NULL;
    }
    PyObject *module =
        PyCFunction_Check(callable) ? ((PyCFunctionObject *)callable)->m_module : NULL;
    if (!has_name(module, functions, sizeof functions / sizeof *functions))
        return NULL;
    const char *first = PyUnicode_AsUTF8(module);
    const struct row *row = find_row(strcmp(first, "io") == 0 ? "_io" : first,
                                     strcmp(first, "io") == 0 ? 3 : strlen(first), name);
    return row != NULL ? row : &unknown;
}

void outside_call_add_callback(struct access_list *list, PyObject *callback) {
    const struct outside_call call = {
        .callable = callback,
        .self = PyCFunction_Check(callback) ? PyCFunction_GET_SELF(callback) : NULL};
    bool is_function = PyFunction_Check(callback) || PyCFunction_Check(callback);
    const struct row *row = is_function ? row_of(&call) : NULL;
    if (row != NULL && row->use != USE_NOTHING && effect_of(callback) == EFFECT_WRITES)
        outside_add_all(list);
}

// ------------------------------------------------------------------------------ arguments

static PyObject *by_keyword(const struct outside_call *call, const char *name) {
    Py_ssize_t named = call->names != NULL ? PyTuple_GET_SIZE(call->names) : 0;
    for (Py_ssize_t i = 0; i < named; i++)
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(call->names, i), name) == 0)
            return call->values[call->count - named + i];
    PyObject *key, *value;
    bool has_more = call->keywords != NULL && PyDict_CheckExact(call->keywords);
    for (Py_ssize_t at = 0; has_more && PyDict_Next(call->keywords, &at, &key, &value);)
        if (PyUnicode_Check(key) && PyUnicode_CompareWithASCIIString(key, name) == 0)
            return value;
    return NULL;
}

static PyObject *argument(const struct outside_call *call, Py_ssize_t position, const char *name) {
    Py_ssize_t named = call->names != NULL ? PyTuple_GET_SIZE(call->names) : 0;
    return position < call->count - named ? call->values[position] : by_keyword(call, name);
}

static bool is_given(const struct outside_call *call, const char *name) {
    PyObject *value = by_keyword(call, name);
    return value != NULL && value != Py_None;
}

// Arguments that give the others another meaning.
static bool is_plain_call(const struct outside_call *call) {
    return !call->is_unknown && !is_given(call, "dir_fd") && !is_given(call, "src_dir_fd") &&
           !is_given(call, "dst_dir_fd") && !is_given(call, "opener");
}

// The path as the kernel gets it, new reference to bytes; NULL: not understood. What objects of
// the library say of themselves is its own code, which is no part of the program.
static PyObject *path_of(PyObject *value) {
    if (PyBytes_CheckExact(value))
        return Py_NewRef(value);
    PyObject *text = NULL;
    if (PyUnicode_CheckExact(value)) {
        text = Py_NewRef(value);
    } else if (library_has_class(Py_TYPE(value)) ||
               strcmp(Py_TYPE(value)->tp_name, "posix.DirEntry") == 0) {
        point_close();
        text = PyOS_FSPath(value);
        point_reopen();
    }
    PyObject *bytes =
        text != NULL && PyUnicode_Check(text) ? PyUnicode_EncodeFSDefault(text) : Py_XNewRef(text);
    Py_XDECREF(text);
    PyErr_Clear();
    return bytes;
}

static bool add_path(struct access_list *list, PyObject *value, unsigned use) {
    if (value != NULL && PyLong_Check(value)) {
        int descriptor = (int)PyLong_AsLong(value);
        PyErr_Clear();
        return (use & (PATH_MAKE | PATH_REMOVE | PATH_RULES)) == 0 &&
               descriptor_add(list, descriptor, (use & PATH_WRITE) != 0);
    }
    PyObject *path = value != NULL ? path_of(value) : NULL;
    if (path == NULL)
        return false;
    bool understood = PyBytes_Check(path) &&
                      strlen(PyBytes_AS_STRING(path)) == (size_t)PyBytes_GET_SIZE(path) &&
                      path_add(list, PyBytes_AS_STRING(path), use);
    Py_DECREF(path);
    return understood;
}

static bool add_descriptor(struct access_list *list, PyObject *value, bool write) {
    int descriptor = value != NULL && PyLong_Check(value) ? (int)PyLong_AsLong(value) : -1;
    PyErr_Clear();
    return descriptor_add(list, descriptor, write);
}

static bool add_open(struct access_list *list, PyObject *file, PyObject *mode) {
    unsigned use = PATH_FOLLOW | PATH_OPEN;
    const char *text = "r";
    if (mode != NULL)
        text = PyUnicode_CheckExact(mode) ? PyUnicode_AsUTF8(mode) : NULL;
    PyErr_Clear();
    if (text == NULL)
        return false;
    // A descriptor is neither emptied nor made.
    if (file != NULL && PyLong_Check(file))
        return add_descriptor(list, file, false);
    if (strchr(text, 'x') != NULL)
        use = PATH_MAKE | PATH_FRESH | PATH_OPEN;
    else if (strchr(text, 'w') != NULL)
        use |= PATH_MAKE | PATH_WRITE;
    else if (strchr(text, 'a') != NULL)
        use |= PATH_MAKE;
    return add_path(list, file, use);
}

static bool add_os_open(struct access_list *list, PyObject *path, PyObject *flags) {
    unsigned use = PATH_FOLLOW | PATH_OPEN;
    long bits = flags != NULL && PyLong_Check(flags) ? PyLong_AsLong(flags) : -1;
    PyErr_Clear();
    if (bits == -1 || (bits & (O_TMPFILE & ~O_DIRECTORY)) != 0 || path == NULL ||
        PyLong_Check(path))
        return false;
    if ((bits & O_NOFOLLOW) != 0)
        use &= ~(unsigned)PATH_FOLLOW;
    if ((bits & O_CREAT) != 0 && (bits & O_EXCL) != 0)
        use = PATH_MAKE | PATH_FRESH | PATH_OPEN;
    else if ((bits & O_CREAT) != 0)
        use |= PATH_MAKE;
    if ((bits & O_TRUNC) != 0)
        use |= PATH_WRITE;
    return add_path(list, path, use);
}

// ------------------------------------------------------------------------------ effects

// What is done to one path; 0: other things are done.
static unsigned use_of(enum use deed) {
    switch (deed) {
    case USE_LOOK:
        return PATH_FOLLOW;
    case USE_STAT_LINK:
        return PATH_READ;
    case USE_STAT:
    case USE_LIST:
        return PATH_FOLLOW | PATH_READ;
    case USE_READ:
        return PATH_FOLLOW | PATH_READ | PATH_OPEN;
    case USE_REPLACE:
        return PATH_FOLLOW | PATH_MAKE | PATH_WRITE | PATH_OPEN;
    case USE_MAKE:
        return PATH_MAKE | PATH_FRESH;
    case USE_PARENTS:
        return PATH_MAKE | PATH_FRESH | PATH_PARENTS;
    case USE_REMOVE:
        return PATH_REMOVE;
    case USE_CHANGE:
        return PATH_FOLLOW | PATH_WRITE;
    case USE_RULES:
        return PATH_FOLLOW | PATH_WRITE | PATH_RULES;
    default:
        return 0;
    }
}

static bool add_one_path(struct access_list *list, const struct outside_call *call, enum use deed,
                         PyObject *path) {
    unsigned use = use_of(deed);
    PyObject *follows = by_keyword(call, "follow_symlinks");
    if (follows != NULL && !PyBool_Check(follows))
        return false;
    if (follows == Py_False)
        use &= ~(unsigned)PATH_FOLLOW;
    if (deed == USE_LIST && (path == NULL || path == Py_None))
        return path_add(list, ".", use);
    return add_path(list, path, use);
}

static bool add_two_paths(struct access_list *list, enum use deed, PyObject *from, PyObject *to) {
    if (deed == USE_SYMLINK)
        return add_path(list, to, PATH_MAKE | PATH_FRESH);
    if (deed == USE_LINK)  // a link at the end is followed, or not
        return add_path(list, from, PATH_WRITE) && add_path(list, from, PATH_FOLLOW | PATH_WRITE) &&
               add_path(list, to, PATH_MAKE | PATH_FRESH);
    return add_path(list, from, PATH_REMOVE) && add_path(list, to, PATH_MAKE | PATH_REMOVE);
}

static bool add_names(struct access_list *list, bool write) {
    access_add(list, resource_of_all(), FR_READ);
    access_add(list, resource_of_names(), write ? FR_WRITE : FR_READ);
    return true;
}

static bool add_close(struct access_list *list, PyObject *descriptor) {
    access_add(list, resource_of_descriptors(), FR_WRITE);
    return add_descriptor(list, descriptor, true);
}

static bool add_address(struct access_list *list, const struct outside_call *call) {
    bool understood = call->count > 0;
    for (Py_ssize_t i = 0; i < call->count && understood; i++)
        if (PyTuple_Check(call->values[i]) || i + 1 == call->count)
            understood = descriptor_add_address(list, call->self, call->values[i]);
    return understood;
}

// The parameter that the row names, and the one after it.
struct parameters {
    PyObject *first, *second;
};

static struct parameters parameters_of(const struct outside_call *call, const struct row *row) {
    bool is_self = strcmp(row->parameter, "self") == 0;
    bool is_bound = is_self && call->self != NULL && !PyModule_Check(call->self);
    Py_ssize_t next = is_bound ? 0 : 1;
    const char *second = row->use == USE_OPEN      ? "mode"
                         : row->use == USE_OS_OPEN ? "flags"
                         : row->use == USE_TWO     ? "in_fd"
                         : is_self                 ? "target"
                                                   : "dst";
    return (struct parameters){.first = is_bound ? call->self : argument(call, 0, row->parameter),
                               .second = argument(call, next, second)};
}

static bool add_effect(struct access_list *list, const struct outside_call *call,
                       const struct row *row) {
    const struct parameters given = parameters_of(call, row);
    switch (row->use) {
    case USE_ALL:
        return false;
    case USE_NOTHING:
        return true;
    case USE_PROCESS:
    case USE_ALLOCATE:
        access_add(list, resource_of_all(), FR_READ);
        if (row->use == USE_ALLOCATE)
            access_add(list, resource_of_descriptors(), FR_READ);
        return true;
    case USE_OPEN:
        return add_open(list, given.first, given.second);
    case USE_OS_OPEN:
        return add_os_open(list, given.first, given.second);
    case USE_RENAME:
    case USE_LINK:
        return add_two_paths(list, row->use, given.first, given.second);
    case USE_SYMLINK:
        return add_two_paths(list, row->use, NULL, argument(call, 1, row->parameter));
    case USE_CHDIR:
        return add_names(list, true) && add_path(list, given.first, PATH_FOLLOW);
    case USE_HERE:
        return add_names(list, false);
    case USE_DESCRIPTOR:
    case USE_STATUS:
    case USE_DUPLICATE:
        return add_descriptor(list, given.first, row->use != USE_STATUS);
    case USE_CLOSE:
        return add_close(list, given.first);
    case USE_TWO:
        return add_descriptor(list, given.first, true) && add_descriptor(list, given.second, true);
    case USE_SOCKET:
        return call->self != NULL && outside_has_type(Py_TYPE(call->self)) &&
               descriptor_add_socket(list, call->self);
    case USE_ADDRESS:
        return add_address(list, call);
    default:
        return add_one_path(list, call, row->use, given.first);
    }
}

enum outside_part outside_call_add(struct access_list *list, const struct outside_call *call) {
    const struct row *row = row_of(call);
    if (row == NULL)
        return OUTSIDE_NONE;
    bool is_plain = row->use == USE_NOTHING || is_plain_call(call);
    if (list->is_all_outside || !is_plain || !add_effect(list, call, row)) {
        outside_add_all(list);
        return OUTSIDE_SOME;
    }
    bool is_method = row->use == USE_SOCKET || row->use == USE_ADDRESS || row->use == USE_ALLOCATE;
    return is_method || PyType_Check(call->callable) ? OUTSIDE_SOME : OUTSIDE_KNOWN;
}
