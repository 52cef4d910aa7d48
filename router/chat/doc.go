// Package chat turns a conversation into the prompt that a model was trained on, and the model's answer back into
// text and tool calls.
//
// [Compile] takes the chat templates that come with a model (Jinja, see package jinja); [Template.Render] makes the
// prompt as segments for tokenizer.EncodeSegments. What the template wrote is special: its <|im_start|> becomes the
// token. What users wrote is not: a message that spells <|im_end|> stays ten characters, wherever the
// template puts it, and cannot end its turn.
//
// Templates see what Hugging Face's apply_chat_template shows them: messages, tools, documents (none),
// add_generation_prompt, and the names of special tokens (bos_token, eos_token, …). A tool call's arguments are a dict
// where they are a JSON object, which also behaves as its JSON where a template concatenates it. The content of an
// assistant's message that only calls tools is none.
//
// Models without a template get ChatML. A ChatML template that knows nothing of tools (Qwen2's) is replaced, for
// conversations with tools only, by one that writes them as Qwen2.5 does.
//
// [ToolParser] finds <tool_call> blocks in an answer as it comes.
package chat
