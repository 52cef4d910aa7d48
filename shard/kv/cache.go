package kv

import (
	"fmt"
	"unsafe"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
)

// Shape is what a cache is for.
type Shape struct {
	Layers  int // of this shard
	KVHeads int
	HeadDim int
}

// tiles is the number of 16-element tiles of a head.
func (s Shape) tiles() int { return (s.HeadDim + 15) / 16 }

// keyElems and valueElems are the elements of a block's keys and values, one kv head of one layer.
func (s Shape) keyElems() int   { return s.HeadDim * BlockTokens }
func (s Shape) valueElems() int { return s.tiles() * 16 * BlockTokens }

// elems is the size of a block in one layer.
func (s Shape) elems() int { return s.KVHeads * (s.keyElems() + s.valueElems()) }

// BlockBytes is the memory of one block in all layers.
func (s Shape) BlockBytes(t Type) int64 { return int64(s.Layers) * int64(s.elems()) * int64(t.Bytes()) }

// Cache holds the keys and values of a shard's layers.
type Cache struct {
	shape  Shape
	typ    Type
	blocks int
	memory []byte
	half   []uint16 // one of the two is a view of memory: [layers][blocks][elems]
	float  []float32
}

// New reserves a cache of blocks blocks, zeroed. Memory is taken as blocks are written.
func New(s Shape, t Type, blocks int) (*Cache, error) {
	if s.Layers < 0 || s.KVHeads <= 0 || s.HeadDim <= 0 || blocks < 0 {
		return nil, fmt.Errorf("kv: %d blocks for %d layers of %d kv heads of %d elements", blocks, s.Layers, s.KVHeads, s.HeadDim)
	}
	const most = 1 << 46 // bytes; beyond any machine, and well below where int64 ends
	if size := s.BlockBytes(t); size > 0 && int64(blocks) > most/size {
		return nil, fmt.Errorf("kv: %d blocks of %d bytes are more than any memory", blocks, size)
	}
	n := s.BlockBytes(t) * int64(blocks)
	mem, err := kernels.Reserve(int(n))
	if err != nil {
		return nil, fmt.Errorf("kv: %d bytes for %d blocks: %w", n, blocks, err)
	}
	c := &Cache{shape: s, typ: t, blocks: blocks, memory: mem}
	if n == 0 {
		return c, nil
	}
	if t == F32 {
		c.float = unsafe.Slice((*float32)(unsafe.Pointer(&mem[0])), n/4)
	} else {
		c.half = unsafe.Slice((*uint16)(unsafe.Pointer(&mem[0])), n/2)
	}
	return c, nil
}

// Blocks is the number of blocks.
func (c *Cache) Blocks() int { return c.blocks }

// Bytes is the memory that the cache takes when every block is in use.
func (c *Cache) Bytes() int64 { return int64(len(c.memory)) }

// Close gives the memory back.
func (c *Cache) Close() {
	kernels.Release(c.memory)
	c.memory, c.half, c.float, c.blocks = nil, nil, nil, 0
}

// Holds tells whether block is one of the cache's.
func (c *Cache) Holds(block int32) bool { return block >= 0 && int(block) < c.blocks }

// at is the first element of a block in a layer.
func (c *Cache) at(layer int, block int32) int {
	return (layer*c.blocks + int(block)) * c.shape.elems()
}

// CopyBlock copies a block in every layer. Blocks that the cache does not hold are left alone.
func (c *Cache) CopyBlock(from, to int32) {
	if !c.Holds(from) || !c.Holds(to) {
		return
	}
	n := c.shape.elems()
	for l := range c.shape.Layers {
		a, b := c.at(l, from), c.at(l, to)
		if c.typ == F32 {
			copy(c.float[b:b+n], c.float[a:a+n])
		} else {
			copy(c.half[b:b+n], c.half[a:a+n])
		}
	}
}

// Store keeps the keys and values of one position, k and v [kvHeads, headDim], at a slot of a block. It returns
// false where a value is Inf or NaN or does not fit the type.
func (c *Cache) Store(layer int, block int32, slot int, k, v []float32) bool {
	d := c.shape.HeadDim
	ok := true
	for h := range c.shape.KVHeads {
		key, value := c.head(layer, block, h)
		kh, vh := k[h*d:(h+1)*d], v[h*d:(h+1)*d]
		ok = c.put(key+slot, BlockTokens, kh) && ok
		for t := 0; t < d; t += 16 {
			ok = c.put(value+t*BlockTokens+slot*16, 1, vh[t:min(t+16, d)]) && ok
		}
	}
	return ok
}

// head gives the first element of a kv head's keys and values.
func (c *Cache) head(layer int, block int32, h int) (key, value int) {
	key = c.at(layer, block) + h*(c.shape.keyElems()+c.shape.valueElems())
	return key, key + c.shape.keyElems()
}

// widen copies the keys and values of one kv head of some blocks, as float32.
func (c *Cache) widen(s *scratch, layer int, blocks []int32, h int) {
	keys, values, tiles, stride := c.shape.keyElems(), c.shape.valueElems(), c.shape.tiles(), c.shape.valueStride()
	const tile = 16 * BlockTokens
	for b, block := range blocks {
		key, value := c.head(layer, block, h)
		if c.typ == F16 {
			kernels.Widen(s.keys[b*keys:], keys, c.half[key:value], keys, 1)
			kernels.Widen(s.values[b*tile:], stride, c.half[value:value+values], tile, tiles)
			continue
		}
		copy(s.keys[b*keys:], c.float[key:value])
		for t := range tiles {
			copy(s.values[t*stride+b*tile:], c.float[value+t*tile:][:tile])
		}
	}
}

// bytes is the memory of one kv head of a block.
func (c *Cache) bytes(layer int, block int32, h int) []byte {
	at, _ := c.head(layer, block, h)
	n := c.shape.keyElems() + c.shape.valueElems()
	return c.memory[at*c.typ.Bytes() : (at+n)*c.typ.Bytes()]
}

func (c *Cache) put(at, stride int, x []float32) bool {
	if c.typ == F16 {
		return kernels.ToHalf(c.half[at:], stride, x)
	}
	for i, v := range x {
		c.float[at+i*stride] = v
	}
	return kernels.Finite(x)
}
