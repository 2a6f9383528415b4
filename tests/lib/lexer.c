// The words of a .prog text: names, numbers, signs.
// SPDX-License-Identifier: Apache-2.0
#include "lexer.h"

#include <ctype.h>
#include <string.h>

static void skip_blank(struct lexer *lexer) {
    for (;; lexer->at++) {
        if (*lexer->at == '#')
            while (*lexer->at != '\0' && *lexer->at != '\n')
                lexer->at++;
        if (*lexer->at == '\n')
            lexer->line++;
        else if (*lexer->at != ' ' && *lexer->at != '\t' && *lexer->at != '\r')
            return;
    }
}

static void take(struct lexer *lexer, uint32_t count) {
    lexer->bad |= count >= WORD_MAX;
    uint32_t kept = count < WORD_MAX ? count : WORD_MAX - 1;
    memcpy(lexer->word, lexer->at, kept);
    lexer->word[kept] = '\0';
    lexer->at += count;
}

static uint32_t sign_length(const char *at) {
    static const char *const doubles[] = {"==", "!=", "<=", ">=", "&&", "||", ".."};
    for (uint32_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        if (strncmp(at, doubles[i], 2) == 0)
            return 2;
    return 1;
}

void lexer_next(struct lexer *lexer) {
    skip_blank(lexer);
    const unsigned char *at = (const unsigned char *)lexer->at;
    uint32_t count = 0;
    lexer->is_name = isalpha(*at) || *at == '_';
    lexer->is_number = isdigit(*at) != 0;
    lexer->number = 0;
    if (lexer->is_name || lexer->is_number) {
        while (isalnum(at[count]) || at[count] == '_')
            count++;
    } else if (*at != '\0') {
        count = sign_length(lexer->at);
        lexer->bad |= strchr("{}()[];,=<>+-*%!&|.", *at) == NULL;
    }
    take(lexer, count);
    for (const char *c = lexer->word; lexer->is_number && *c != '\0'; c++) {
        lexer->bad |= !isdigit((unsigned char)*c) || lexer->number > INT32_MAX / 10 - 1;
        lexer->number = lexer->bad ? 0 : lexer->number * 10 + (*c - '0');
    }
}

void lexer_begin(struct lexer *lexer, const char *text) {
    *lexer = (struct lexer){.at = text, .line = 1};
    lexer_next(lexer);
}

bool lexer_is(const struct lexer *lexer, const char *word) {
    return strcmp(lexer->word, word) == 0;
}
