"""frontrun-fuzz: a fuzzer for thread interleavings of Python code."""
# SPDX-License-Identifier: Apache-2.0

__version__ = "0.1.0"
