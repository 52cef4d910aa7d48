// Package jinja renders the chat templates that models ship with.
//
// It is the part of Jinja2 that Hugging Face's apply_chat_template gives templates to run in: trim_blocks and
// lstrip_blocks on, loop controls, immutable lists and dicts, raise_exception and strftime_now.
//
//	statements   for (with if, else, break, continue, loop.*), if/elif/else, set (also a block, a namespace's attribute,
//	             several names), macro, filter, raw, generation
//	expressions  literals, + - * / // % ** ~, comparisons (chained), in, and/or/not, x if y else z, slices, calls,
//	             filters, tests
//	filters      tojson trim length join default replace upper lower title capitalize first last list string int float
//	             items dictsort map select reject selectattr rejectattr sort unique reverse indent round abs min max sum
//	             escape safe
//	globals      range namespace dict raise_exception strftime_now
//
// Anything else is refused when the template is parsed, with its line; a template never half-works.
//
// # Provenance
//
// A rendered prompt mixes the template's text, in which <|im_end|> ends a turn, with text of users, in which it must be
// ten ordinary characters. So every string remembers which of its bytes were written by the template (or given with
// [Trusted]), through concatenation, slicing, trimming, splitting, replacing and joining. What cannot be
// traced is not trusted. [Template.Render] returns the output in parts, each trusted or not.
//
// # Limits
//
// Rendering is bounded in steps, in bytes produced and in depth, whatever the template; a template that passes
// a bound is an error. Nothing here panics or does I/O.
//
// # Caveats
//
// Dictionary keys are strings. Integers are 64 bits wide; larger ones in the input can be printed, not computed with.
package jinja
