package gguf

import "errors"

// Parse and Open wrap these, so that errors.Is tells them apart.
var (
	// ErrNotGGUF is returned when the file does not begin with the magic bytes "GGUF".
	ErrNotGGUF = errors.New("not a GGUF file")
	// ErrVersion is returned when the file's version is not 2 or 3, or when its bytes are big-endian.
	ErrVersion = errors.New("version is not supported")
	// ErrTruncated is returned when the file ends before what its header promises.
	ErrTruncated = errors.New("file is truncated")
	// ErrMissingPart is returned when a part of a split file cannot be opened.
	ErrMissingPart = errors.New("a part of the split file is missing")
)
