//go:build amd64 && !purego

package kernels

import "github.com/stagecoach-llm/stagecoach/shard/quant"

// gemmSets has them by path and type; a path without them multiplies by weights unpacked on the way.
var gemmSets = [len(pathNames)]*[32]gemmSet{avxvnni: &gemmAVXVNNI, avx512: &gemmAVX512}

var (
	gemmOneAVX512 = [gemmTile]gemmFunc{gemmOnex1AVX512, gemmOnex2AVX512, gemmOnex3AVX512,
		gemmOnex4AVX512, gemmOnex5AVX512, gemmOnex6AVX512}
	gemmMinAVX512 = [gemmTile]gemmFunc{gemmMinx1AVX512, gemmMinx2AVX512, gemmMinx3AVX512,
		gemmMinx4AVX512, gemmMinx5AVX512, gemmMinx6AVX512}
	gemmPairAVX512 = [gemmTile]gemmFunc{gemmPairx1AVX512, gemmPairx2AVX512, gemmPairx3AVX512,
		gemmPairx4AVX512, gemmPairx5AVX512, gemmPairx6AVX512}
	gemmPairMinAVX512 = [gemmTile]gemmFunc{gemmPairMinx1AVX512, gemmPairMinx2AVX512, gemmPairMinx3AVX512,
		gemmPairMinx4AVX512, gemmPairMinx5AVX512, gemmPairMinx6AVX512}
)

var gemmAVX512 = [32]gemmSet{
	quant.Q8_0:   {unpackQ8_0AVX512, &gemmOneAVX512, 2},
	quant.Q4_0:   {unpackQ4_0AVX512, &gemmOneAVX512, 2},
	quant.Q4_1:   {unpackQ4_1AVX512, &gemmMinAVX512, 3},
	quant.Q5_0:   {unpackQ5_0AVX512, &gemmOneAVX512, 2},
	quant.Q5_1:   {unpackQ5_1AVX512, &gemmMinAVX512, 3},
	quant.IQ4_NL: {unpackIQ4_NLAVX512, &gemmOneAVX512, 2},
	quant.IQ4_XS: {unpackIQ4_XSAVX512, &gemmOneAVX512, 2},
	quant.Q4_K:   {unpackQ4_KAVX512, &gemmMinAVX512, 3},
	quant.Q5_K:   {unpackQ5_KAVX512, &gemmMinAVX512, 3},
	quant.Q6_K:   {unpackQ6_KAVX512, &gemmPairAVX512, 3},
	quant.Q3_K:   {unpackQ3_KAVX512, &gemmPairAVX512, 3},
	quant.Q2_K:   {unpackQ2_KAVX512, &gemmPairMinAVX512, 5},
}

var (
	gemmOneAVXVNNI = [gemmTile]gemmFunc{gemmOnex1AVXVNNI, gemmOnex2AVXVNNI, gemmOnex3AVXVNNI,
		gemmOnex4AVXVNNI, gemmOnex5AVXVNNI, gemmOnex6AVXVNNI}
	gemmMinAVXVNNI = [gemmTile]gemmFunc{gemmMinx1AVXVNNI, gemmMinx2AVXVNNI, gemmMinx3AVXVNNI,
		gemmMinx4AVXVNNI, gemmMinx5AVXVNNI, gemmMinx6AVXVNNI}
	gemmPairAVXVNNI = [gemmTile]gemmFunc{gemmPairx1AVXVNNI, gemmPairx2AVXVNNI, gemmPairx3AVXVNNI,
		gemmPairx4AVXVNNI, gemmPairx5AVXVNNI, gemmPairx6AVXVNNI}
	gemmPairMinAVXVNNI = [gemmTile]gemmFunc{gemmPairMinx1AVXVNNI, gemmPairMinx2AVXVNNI, gemmPairMinx3AVXVNNI,
		gemmPairMinx4AVXVNNI, gemmPairMinx5AVXVNNI, gemmPairMinx6AVXVNNI}
)

var gemmAVXVNNI = [32]gemmSet{
	quant.Q8_0:   {unpackQ8_0AVXVNNI, &gemmOneAVXVNNI, 2},
	quant.Q4_0:   {unpackQ4_0AVXVNNI, &gemmOneAVXVNNI, 2},
	quant.Q4_1:   {unpackQ4_1AVXVNNI, &gemmMinAVXVNNI, 3},
	quant.Q5_0:   {unpackQ5_0AVXVNNI, &gemmOneAVXVNNI, 2},
	quant.Q5_1:   {unpackQ5_1AVXVNNI, &gemmMinAVXVNNI, 3},
	quant.IQ4_NL: {unpackIQ4_NLAVXVNNI, &gemmOneAVXVNNI, 2},
	quant.IQ4_XS: {unpackIQ4_XSAVXVNNI, &gemmOneAVXVNNI, 2},
	quant.Q4_K:   {unpackQ4_KAVXVNNI, &gemmMinAVXVNNI, 3},
	quant.Q5_K:   {unpackQ5_KAVXVNNI, &gemmMinAVXVNNI, 3},
	quant.Q6_K:   {unpackQ6_KAVXVNNI, &gemmPairAVXVNNI, 3},
	quant.Q3_K:   {unpackQ3_KAVXVNNI, &gemmPairAVXVNNI, 3},
	quant.Q2_K:   {unpackQ2_KAVXVNNI, &gemmPairMinAVXVNNI, 5},
}
