// Errors: the exceptions of the extension, and how statuses of the engine become exceptions.
// SPDX-License-Identifier: Apache-2.0
#include "errors.h"

#include <string.h>

PyObject *errors_frontrun;
PyObject *errors_harness;
PyObject *errors_diverged;
PyObject *errors_abort;

static int add_exception(PyObject *module, PyObject **slot, const char *name, const char *doc,
                         PyObject *base) {
    *slot = PyErr_NewExceptionWithDoc(name, doc, base, NULL);
    if (*slot == NULL) {
        return -1;
    }
    return PyModule_AddObjectRef(module, strrchr(name, '.') + 1, *slot);
}

int errors_open(PyObject *module) {
    if (add_exception(module, &errors_frontrun, "frontrun._core.FrontrunError",
                      "The tool cannot go on; the text is one sentence for people.",
                      PyExc_Exception) < 0) {
        return -1;
    }
    if (add_exception(module, &errors_harness, "frontrun._core.HarnessError",
                      "The harness itself failed; __cause__ is its exception, if it raised one.",
                      errors_frontrun) < 0) {
        return -1;
    }
    if (add_exception(module, &errors_diverged, "frontrun._core.DivergedError",
                      "The program did not repeat what it did before under the same schedule.",
                      errors_frontrun) < 0) {
        return -1;
    }
    return add_exception(module, &errors_abort, "frontrun._core.Abort",
                         "Raised inside logical threads whose execution is given up.",
                         PyExc_BaseException);
}

PyObject *errors_set_status(enum fr_status status, const struct fr_explorer *explorer) {
    const char *detail = explorer != NULL ? fr_explorer_errmsg(explorer) : "";
    if (detail[0] == '\0') {
        detail = fr_status_text(status);
    }
    if (status == FR_NOMEM) {
        return PyErr_NoMemory();
    }
    if ((status == FR_HOST || status == FR_INTERRUPTED) && PyErr_Occurred()) {
        return NULL;
    }
    if (status == FR_DIVERGED) {
        return PyErr_Format(
            errors_diverged,
            "%s; usual causes: the code under test looks at the time, random numbers, id() or the "
            "order of a set or of hash(str), or state survives setup() (module globals, caches)",
            detail);
    }
    PyErr_SetString(errors_frontrun, detail);
    return NULL;
}

#if PY_VERSION_HEX >= 0x030C0000

PyObject *errors_take(void) {
    return PyErr_GetRaisedException();
}

void errors_restore(PyObject *exception) {
    PyErr_SetRaisedException(exception);
}

#else

PyObject *errors_take(void) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (type == NULL) {
        return NULL;
    }
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(value, traceback);
    }
    Py_DECREF(type);
    Py_XDECREF(traceback);
    return value;
}

void errors_restore(PyObject *exception) {
    PyObject *type = Py_NewRef((PyObject *)Py_TYPE(exception));
    PyErr_Restore(type, exception, PyException_GetTraceback(exception));
}

#endif

void errors_wrap_harness(const char *what) {
    if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        return;
    }
    PyObject *cause = errors_take();
    PyErr_Format(errors_harness, "%s raised %s: %S", what, Py_TYPE(cause)->tp_name, cause);
    PyObject *outer = errors_take();
    PyException_SetCause(outer, cause);
    errors_restore(outer);
}
