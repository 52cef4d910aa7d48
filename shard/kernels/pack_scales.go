package kernels

import "encoding/binary"

// Sixteen rows' scales of a block are a record (see scaleKind). Each function moves those of a run of blocks of row
// r; dst begins at the first record.

// halfAt copies an f16.
func halfAt(dst []byte, at int, src []byte) {
	binary.LittleEndian.PutUint16(dst[at:], binary.LittleEndian.Uint16(src))
}

func packScalesQ8_0(dst []byte, r int, run []byte) { packOneScale(dst, r, run, 34) }
func packScalesQ4_0(dst []byte, r int, run []byte) { packOneScale(dst, r, run, 18) }
func packScalesQ5_0(dst []byte, r int, run []byte) { packOneScale(dst, r, run, 22) }
func packScalesQ4_1(dst []byte, r int, run []byte) { packScaleAndMin(dst, r, run, 20) }
func packScalesQ5_1(dst []byte, r int, run []byte) { packScaleAndMin(dst, r, run, 24) }

func packOneScale(dst []byte, r int, run []byte, size int) {
	for ; len(run) >= size; run = run[size:] {
		halfAt(dst, 2*r, run)
		dst = dst[32:]
	}
}

func packScaleAndMin(dst []byte, r int, run []byte, size int) {
	for ; len(run) >= size; run = run[size:] {
		halfAt(dst, 2*r, run)
		halfAt(dst, 32+2*r, run[2:])
		dst = dst[64:]
	}
}

func packScalesQ4_K(dst []byte, r int, run []byte) { packSuper(dst, r, run, 144) }
func packScalesQ5_K(dst []byte, r int, run []byte) { packSuper(dst, r, run, 176) }

// packSuper widens eight scales and eight mins of six bits. The low six bits of the first eight bytes are scales and
// mins 0..3; scales and mins 4..7 have their low four bits in the last four bytes, the others above the first.
func packSuper(dst []byte, r int, run []byte, size int) {
	const six, two = 0x3f3f3f3f, 0x03030303
	for ; len(run) >= size; run = run[size:] {
		rec := (*[320]byte)(dst)
		halfAt(rec[:], 2*r, run)
		halfAt(rec[:], 32+2*r, run[2:])
		a, b, c := word(run[4:], 0), word(run[4:], 1), word(run[4:], 2)
		everyOther(rec, 64+r, a&six)
		everyOther(rec, 64+128+r, c&byteF|a>>6&two<<4)
		everyOther(rec, 80+r, b&six)
		everyOther(rec, 80+128+r, c>>4&byteF|b>>6&two<<4)
		dst = dst[320:]
	}
}

// everyOther puts four bytes 32 apart.
func everyOther(rec *[320]byte, at int, w uint32) {
	rec[at], rec[at+32], rec[at+64], rec[at+96] = byte(w), byte(w>>8), byte(w>>16), byte(w>>24)
}

func packScalesQ6_K(dst []byte, r int, run []byte) {
	for ; len(run) >= 210; run = run[210:] {
		rec := (*[288]byte)(dst)
		halfAt(rec[:], 2*r, run[208:])
		for j, s := range run[192:208] {
			rec[32+16*j+r] = s
		}
		dst = dst[288:]
	}
}

func packScalesQ3_K(dst []byte, r int, run []byte) {
	for ; len(run) >= 110; run = run[110:] {
		rec := (*[288]byte)(dst)
		halfAt(rec[:], 2*r, run[108:])
		packed := run[96:108]
		for j := range 16 {
			rec[32+16*j+r] = q3Scale(packed, j)
		}
		dst = dst[288:]
	}
}

// q3Scale is scale j of Q3_K's twelve bytes, less its offset of 32.
func q3Scale(p []byte, j int) byte {
	low := p[j%8] >> (4 * (j / 8)) & 15
	high := p[8+j%4] >> (2 * (j / 4)) & 3
	return low | high<<4 - 32
}

func packScalesQ2_K(dst []byte, r int, run []byte) {
	for ; len(run) >= 84; run = run[84:] {
		rec := (*[320]byte)(dst)
		halfAt(rec[:], 2*r, run[80:])
		halfAt(rec[:], 32+2*r, run[82:])
		for j, s := range run[:16] {
			rec[64+16*j+r] = s
		}
		dst = dst[320:]
	}
}

func packScalesIQ4_XS(dst []byte, r int, run []byte) {
	for ; len(run) >= 136; run = run[136:] {
		rec := (*[160]byte)(dst)
		halfAt(rec[:], 2*r, run)
		high := binary.LittleEndian.Uint16(run[2:])
		for j := range 8 {
			low := run[4+j/2] >> (4 * (j % 2)) & 15
			rec[32+16*j+r] = low | byte(high>>(2*j)&3)<<4 - 32
		}
		dst = dst[160:]
	}
}
