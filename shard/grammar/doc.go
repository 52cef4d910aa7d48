// Package grammar makes sure that an answer is a JSON document of a schema, or a call of a function: it says of each token
// whether it may come next.
//
//	spec.go       Spec: what an answer must be, as it travels
//	value.go      JSON with its order kept
//	schema.go     JSON Schema: keywords of one subschema; constants.go: enum; merge.go: $ref, allOf, anyOf; oneof.go
//	lower.go      subschemas to rules of a program; object.go, array.go, number.go, text.go, regex.go, format.go: their parts;
//	              cost.go: what a pattern takes to compile, before it is
//	program.go    the program: a nondeterministic automaton over bytes, with calls
//	automaton.go  runs it: states are sets of (instruction, stack), made when they are first needed and kept
//	vocab.go      the vocabulary as a trie of bytes; mask.go walks it with the automaton
//	guide.go      what a shard keeps: compiled grammars, masks; Cursor, the place of one sequence in its grammar
//
// # What is generated
//
// A grammar accepts a part of what the schema accepts, never more:
//
//   - Properties come in the schema's order; those that are not required may be left out. Undeclared ones come only where
//     additionalProperties is given and not false, or where there is no properties, and after the declared ones.
//   - Between tokens of JSON there is nothing, one space, or a line break and up to 20 spaces; after a colon nothing or one
//     space; before commas and colons nothing. Unbounded white space would let a model go on for ever.
//   - Integers have up to 18 digits, multiples of some numbers beyond 555 fewer (10 at least). Other numbers have up to 15 digits before and after the point, and an exponent of up to two
//     digits where neither minimum nor maximum is given. Strings are valid UTF-8; \u never spells half a pair.
//   - Strings with a pattern, format or other names to avoid, enum and const are written canonically: only what must be is escaped.
//   - Of an enum or const come the values that the keywords beside it leave; beside objects and arrays no keyword about these may stand.
//   - A subschema without type has the types that its keywords are about, or all when there are none.
//   - Values without a schema are nested at most 64 deep.
//   - prefixItems without items: no more items than minItems asks for.
//
// # What is refused
//
// Everything else that constrains: not, if, dependent…, unevaluated…, contains, uniqueItems, patternProperties, propertyNames
// that say more than that they are strings,
// min/maxProperties, dynamic references, references to other documents, unknown keywords and formats, multipleOf of other
// than whole numbers and powers of ten, oneOf whose branches are not told apart by type or by a property's constants (which is then required), and a schema that
// nothing satisfies. An [Error] names the keyword and where it is. Annotations (title, description, default, examples, $comment,
// deprecated, readOnly, writeOnly, content…, x-…) are ignored. pattern is searched for, as JSON Schema has it, and is
// what ECMAScript and Go both understand: no lookaround, backreferences and word boundaries.
//
// # Caveats
//
// A state has at most 512 threads: where more alternatives begin with the same bytes, the first are kept, which makes the
// language smaller and never larger.
//
// What a sequence may say is a function of its tokens alone; caches change only the time that it takes.
//
// A mask, a token and an answer have a limit of steps (automaton.go, guide.go), which is about 50 ms for a mask over 152,000 tokens. Beyond it
// the sequence fails with [ErrComplex]: dozens of alternatives that each remember something else of the text. Steps are counted as if nothing
// were known, so that a sequence fails at the same token wherever it runs.
//
// Compiling is bounded, by the limits of spec.go and program.go: no schema of up to 128 KiB that we found takes more than about 0.1 s.
package grammar
