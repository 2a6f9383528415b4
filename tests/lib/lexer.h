// The words of a .prog text: names, numbers, signs.
// SPDX-License-Identifier: Apache-2.0
#ifndef LIB_LEXER_H
#define LIB_LEXER_H

#include <stdbool.h>
#include <stdint.h>

enum { WORD_MAX = 32 };

struct lexer {
    const char *at;
    uint32_t line;
    char word[WORD_MAX];  // the current word; "" at the end
    bool is_name, is_number;
    int64_t number;
    bool bad;  // a word was too long, a number too large, or a byte no word begins with
};

void lexer_begin(struct lexer *lexer, const char *text);
// Goes on to the next word.
void lexer_next(struct lexer *lexer);
// Is this the current word?
bool lexer_is(const struct lexer *lexer, const char *word);

#endif
