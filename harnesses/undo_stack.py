"""A stack that copies itself: one push gets lost. A sequential model judges it."""
# SPDX-License-Identifier: Apache-2.0


class Stack:
    def __init__(self):
        self.items = ()

    def push(self, item):
        before = self.items
        self.items = (*before, item)

    def pop(self):
        if not self.items:
            return None
        *rest, top = self.items
        self.items = tuple(rest)
        return top


class Model:
    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)

    def pop(self):
        return self.items.pop() if self.items else None


def writer(stack):
    stack.push("theirs")


def user(stack):
    stack.push("mine")
    stack.pop()
    stack.pop()


setup = Stack
spec = Model
threads = [writer, user]
