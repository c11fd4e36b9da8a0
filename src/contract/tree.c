#include "contract/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

enum { BLOCK_BYTES = 1 << 16 };

struct block {
    struct block *next;
    size_t used, size;
    _Alignas(max_align_t) char data[];
};

struct builder {
    struct tree *tree;
    struct problems *problems;
    struct node *open[TREE_MAX_DEPTH]; /* the collections that have not ended */
    struct node *key[TREE_MAX_DEPTH];  /* of each open map: the key that waits for its value */
    unsigned depth;
    unsigned skipped; /* levels of a collection that is refused whole */
    uint32_t nodes, documents;
    bool stop, short_of_memory;
};

static void *take(struct tree *tree, size_t size)
{
    size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    struct block *block = tree->blocks;
    if (!block || block->size - block->used < size) {
        size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        block = malloc(sizeof *block + room);
        if (!block)
            return NULL;
        *block = (struct block){.next = tree->blocks, .size = room};
        tree->blocks = block;
    }
    void *memory = block->data + block->used;
    block->used += size;
    return memory;
}

void tree_free(struct tree *tree)
{
    while (tree->blocks) {
        struct block *next = tree->blocks->next;
        free(tree->blocks);
        tree->blocks = next;
    }
    *tree = (struct tree){0};
}

struct node *node_get(const struct node *map, const char *key)
{
    if (!map || map->kind != NODE_MAP)
        return NULL;
    for (struct node *child = map->first; child; child = child->next)
        if (text_is(child->key->text, key))
            return child;
    return NULL;
}

static uint32_t from_one(size_t from_zero)
{
    return from_zero < UINT32_MAX ? (uint32_t)from_zero + 1 : UINT32_MAX;
}

#define complain(b, mark, ...)                                                                     \
    problem_add((b)->problems, from_one((mark)->line), from_one((mark)->column), __VA_ARGS__)

static struct node *node_new(struct builder *b, enum node_kind kind, const yaml_mark_t *mark)
{
    if (b->nodes++ >= TREE_MAX_NODES) {
        complain(b, mark, "the contract has too many entries; at most %d", TREE_MAX_NODES);
        b->stop = b->tree->cut = true;
        return NULL;
    }
    struct node *node = take(b->tree, sizeof *node);
    if (node)
        *node = (struct node){
            .kind = kind, .line = from_one(mark->line), .column = from_one(mark->column)};
    else
        b->stop = b->short_of_memory = true;
    return node;
}

static void append(struct node *parent, struct node *node)
{
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    parent->count++;
}

/* The same key twice: the first counts, so that what is said about the rest is about what a reader
 * sees first. */
static bool key_is_new(struct builder *b, const struct node *map, const struct node *key)
{
    for (const struct node *child = map->first; child; child = child->next)
        if (text_equal(child->key->text, key->text)) {
            problem_add(b->problems, key->line, key->column,
                        "`%.64s` stands here twice; it is written on line %u already, and each key "
                        "may stand once",
                        key->text.data, child->key->line);
            return false;
        }
    return true;
}

/* Puts a node where the parser stands; false when it cannot stand there. */
static bool place(struct builder *b, struct node *node)
{
    if (!b->depth) {
        if (!b->tree->root)
            b->tree->root = node;
        return true;
    }
    struct node *parent = b->open[b->depth - 1], **key = &b->key[b->depth - 1];
    if (parent->kind == NODE_LIST) {
        append(parent, node);
    } else if (*key) {
        node->key = *key;
        *key = NULL;
        if (key_is_new(b, parent, node->key))
            append(parent, node);
        else
            parent->bad = true;
    } else if (node->kind == NODE_SCALAR) {
        *key = node;
    } else {
        problem_add(b->problems, node->line, node->column,
                    "a key is a single word, not a list or a map");
        parent->bad = true;
        return false;
    }
    return true;
}

static void refuse_extras(struct builder *b, const yaml_event_t *event, const yaml_char_t *anchor,
                          const yaml_char_t *tag)
{
    if (anchor)
        complain(b, &event->start_mark,
                 "anchors (`&%.32s`) are not read in a contract; write the value out",
                 (const char *)anchor);
    if (tag)
        complain(b, &event->start_mark,
                 "tags (`%.32s`) are not read in a contract; write the value alone",
                 (const char *)tag);
}

static void add_scalar(struct builder *b, const yaml_event_t *event)
{
    refuse_extras(b, event, event->data.scalar.anchor, event->data.scalar.tag);
    struct node *node = node_new(b, NODE_SCALAR, &event->start_mark);
    if (!node)
        return;
    size_t length = event->data.scalar.length;
    char *copy = take(b->tree, length + 1);
    if (!copy) {
        b->stop = b->short_of_memory = true;
        return;
    }
    memcpy(copy, event->data.scalar.value, length);
    copy[length] = 0;
    node->text = (struct text){copy, length};
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (node->quoted && event->end_mark.line > event->start_mark.line &&
        event->data.scalar.style != YAML_LITERAL_SCALAR_STYLE &&
        event->data.scalar.style != YAML_FOLDED_SCALAR_STYLE) {
        /* It has swallowed lines up to the next quote: what follows would be blamed for it. */
        complain(b, &event->start_mark, "the quote opened here is not closed on this line");
        node->bad = true;
        b->stop = b->tree->cut = true;
    } else if (!utf8_is_valid(node->text) || text_has_controls(node->text)) {
        complain(b, &event->start_mark,
                 "this text has line ends, control characters or marks that reorder it; a value "
                 "is one line of text");
        node->text = (struct text){"", 0};
        node->bad = true;
    }
    place(b, node);
}

static void begin(struct builder *b, enum node_kind kind, const yaml_event_t *event)
{
    if (b->skipped) {
        b->skipped++;
        return;
    }
    struct node *node = node_new(b, kind, &event->start_mark);
    if (!node)
        return;
    if (!place(b, node)) {
        /* A collection as a key: what belongs to it is skipped, its value too (the next node
         * becomes a lone key). */
        b->skipped = 1;
        return;
    }
    if (b->depth == TREE_MAX_DEPTH) {
        complain(b, &event->start_mark, "this is nested too deep; at most %d levels",
                 TREE_MAX_DEPTH);
        b->stop = b->tree->cut = true;
        return;
    }
    b->open[b->depth] = node;
    b->key[b->depth++] = NULL;
}

static void end(struct builder *b)
{
    if (b->skipped) {
        /* The empty key stands in for the refused one, so that its value does not become a key. */
        if (!--b->skipped) {
            static const yaml_mark_t nowhere;
            struct node *key = node_new(b, NODE_SCALAR, &nowhere);
            if (key) {
                key->text = (struct text){"", 0};
                key->bad = true;
                b->key[b->depth - 1] = key;
            }
        }
        return;
    }
    b->depth--;
}

static void take_event(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->documents++) {
            complain(b, &event->start_mark,
                     "a second document begins here (`---`); a contract is one document");
            b->stop = true;
        }
        break;
    case YAML_ALIAS_EVENT:
        if (!b->skipped) {
            complain(b, &event->start_mark,
                     "aliases (`*%.32s`) are not read in a contract; write the value out",
                     (const char *)event->data.alias.anchor);
            struct node *node = node_new(b, NODE_SCALAR, &event->start_mark);
            if (node) {
                node->text = (struct text){"", 0};
                node->bad = true;
                place(b, node);
            }
        }
        break;
    case YAML_SCALAR_EVENT:
        if (!b->skipped)
            add_scalar(b, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        refuse_extras(b, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        begin(b, NODE_LIST, event);
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_extras(b, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        begin(b, NODE_MAP, event);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        end(b);
        break;
    case YAML_STREAM_END_EVENT:
        b->stop = true;
        break;
    default:
        break;
    }
}

/* What libyaml says, by a word of it, in words for someone who writes a contract. */
static const char *say_in_our_words(const char *problem, yaml_error_type_t type)
{
    static const struct {
        const char *part, *ours;
    } words[] = {
        {"mapping values are not allowed",
         "a `:` stands where no key can be; is the line above indented the same, or "
         "is a text with `: ` in it not in quotes?"},
        {"could not find expected ':'", "a key without its `:`; write `key: value`"},
        {"did not find expected key",
         "the lines do not line up: a key of this map must begin in the same column as "
         "the others"},
        {"did not find expected '-' indicator",
         "the lines do not line up: each entry of this list begins with `- ` in "
         "the same column"},
        {"expected ',' or '}'", "a map in braces goes on here without a `,`, or lacks its `}`"},
        {"expected ',' or ']'", "a list in brackets goes on here without a `,`, or lacks its `]`"},
        {"cannot start any token",
         "this character cannot begin a value (tabs cannot indent; `@`, `%` and a backquote "
         "need quotes)"},
        {"block sequence entries are not allowed",
         "a `- ` cannot stand here; begin the list on a line of its own"},
        {"found unexpected end of stream", "the quote opened here is not closed"},
        {"unexpected document indicator", "a quoted text is cut by `---` or `...`"},
        {"unknown escape character",
         "unknown escape in a text in double quotes; use single quotes to write a backslash"},
        {"undefined alias", "aliases are not read in a contract; write the value out"},
        {"found character that", "this character cannot stand here; put the text in quotes"},
    };
    for (size_t i = 0; problem && i < sizeof words / sizeof *words; i++)
        if (strstr(problem, words[i].part))
            return words[i].ours;
    if (type == YAML_READER_ERROR)
        return "this is not UTF-8 text, or a control character stands in it";
    return "this cannot be read as YAML; maps are `key: value`, lists are `- entry`, and both are "
           "indented with spaces";
}

static void place_of_byte(const char *yaml, size_t offset, yaml_mark_t *mark)
{
    *mark = (yaml_mark_t){0};
    for (size_t i = 0; i < offset; i++) {
        if (yaml[i] == '\n') {
            mark->line++;
            mark->column = 0;
        } else if (((unsigned char)yaml[i] & 0xc0) != 0x80) {
            mark->column++;
        }
    }
}

/* Tabs are looked for before anything else: the parser stops at the first, and says little. Only
 * those that stand where indentation does; inside text they are its problem. */
static bool find_tabs(struct builder *b, const char *yaml, size_t length)
{
    bool found = false, at_start = true;
    uint32_t line = 1;
    size_t begin_of_line = 0;
    for (size_t i = 0; i < length; i++) {
        if (yaml[i] == '\n') {
            line++;
            begin_of_line = i + 1;
            at_start = true;
        } else if (yaml[i] == '\t' && at_start) {
            problem_add(b->problems, line, from_one(i - begin_of_line),
                        "a tab cannot indent; use spaces");
            found = true;
            at_start = false;
        } else if (yaml[i] != ' ') {
            at_start = false;
        }
    }
    return found;
}

static void report_syntax(struct builder *b, const yaml_parser_t *parser, const char *yaml,
                          size_t length)
{
    yaml_mark_t mark = parser->problem_mark;
    b->tree->cut = true;
    if (parser->error == YAML_MEMORY_ERROR)
        return;
    if (parser->error == YAML_READER_ERROR)
        place_of_byte(yaml, parser->problem_offset < length ? parser->problem_offset : length,
                      &mark);
    if (find_tabs(b, yaml, length))
        return; /* these say nothing of the rest: there may be hundreds */
    if (parser->context && strstr(parser->context, "quoted scalar"))
        mark = parser->context_mark; /* the quote, not where the file ends */
    complain(b, &mark, "%s. More may show once this is mended: what follows it could not be read",
             say_in_our_words(parser->problem, parser->error));
}

int tree_parse(const char *yaml, size_t length, struct tree *tree, struct problems *problems)
{
    *tree = (struct tree){0};
    struct builder b = {.tree = tree, .problems = problems};
    /* A byte order mark is of no line and no column. */
    if (length >= 3 && memcmp(yaml, "\xef\xbb\xbf", 3) == 0) {
        yaml += 3;
        length -= 3;
    }
    if (length > TREE_MAX_BYTES) {
        problem_add(problems, 1, 1, "the contract is larger than %d KiB, which is the most",
                    TREE_MAX_BYTES / 1024);
        tree->cut = true;
        return 0;
    }
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return -ENOMEM;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, length);
    while (!b.stop) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            b.short_of_memory = parser.error == YAML_MEMORY_ERROR;
            report_syntax(&b, &parser, yaml, length);
            break;
        }
        take_event(&b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return b.short_of_memory ? -ENOMEM : 0;
}
