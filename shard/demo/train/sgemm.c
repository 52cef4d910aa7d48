/*
 * BLAS's sgemm on oneDNN. Debian's PyTorch multiplies with the reference BLAS, which is some thirty times
 * slower than oneDNN, and oneDNN is linked into PyTorch anyway:
 *
 *     cc -O3 -march=native -fopenmp -shared -fPIC -o sgemm.so sgemm.c -l:libdnnl.so.2
 *     LD_PRELOAD=./sgemm.so python3 train.py OUT
 *
 * BLAS stores columns and oneDNN rows, so C = op(A) op(B) is asked for as C' = op(B)' op(A)'. Where the CPU
 * multiplies bfloat16 (AVX512_BF16), the operands are rounded to it and the sums stay float32: training takes
 * no harm and is nearly twice as fast. Not for concurrent callers: the rounded operands have one place each.
 */
#include <stdint.h>
#include <stdlib.h>

extern int dnnl_sgemm(char transa, char transb, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                      int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

static char trans(const char *t) { return *t == 'n' || *t == 'N' ? 'N' : 'T'; }

#ifdef __AVX512BF16__
#include <immintrin.h>

extern int dnnl_gemm_bf16bf16f32(char transa, char transb, int64_t m, int64_t n, int64_t k, float alpha,
                                 const uint16_t *a, int64_t lda, const uint16_t *b, int64_t ldb, float beta,
                                 float *c, int64_t ldc);

enum { SMALL = 100000, CHUNK = 4096 }; /* products worth rounding for; values one thread rounds at a time */

typedef struct {
    uint16_t *data;
    int64_t capacity;
} buffer;

static void round_values(const float *x, uint16_t *out, int64_t n) {
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 some = n - i < 16 ? (1u << (n - i)) - 1 : 0xffff;
        __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(some, x + i));
        _mm256_mask_storeu_epi16(out + i, some, (__m256i)rounded);
    }
}

/* A row-major matrix [rows, cols] with row stride ld, rounded and without gaps. */
static const uint16_t *rounded(buffer *b, const float *x, int64_t rows, int64_t cols, int64_t ld) {
    if (ld == cols) { /* no gaps: one long row, cut into chunks */
        cols *= rows;
        rows = 1;
    }
    if (b->capacity < rows * cols) {
        free(b->data);
        b->capacity = rows * cols;
        b->data = malloc(b->capacity * sizeof *b->data);
        if (!b->data) abort();
    }
    int64_t chunks = (cols + CHUNK - 1) / CHUNK;
#pragma omp parallel for if (rows * cols > 4 * CHUNK)
    for (int64_t i = 0; i < rows * chunks; i++) {
        int64_t row = i / chunks, from = i % chunks * CHUNK;
        round_values(x + row * ld + from, b->data + row * cols + from, cols - from < CHUNK ? cols - from : CHUNK);
    }
    return b->data;
}

static int multiply(char ta, char tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                    const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
    static buffer left, right;
    if (m * n * k < SMALL) return dnnl_sgemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    int64_t acols = ta == 'N' ? k : m, bcols = tb == 'N' ? n : k;
    const uint16_t *ra = rounded(&left, a, m * k / acols, acols, lda);
    const uint16_t *rb = rounded(&right, b, k * n / bcols, bcols, ldb);
    return dnnl_gemm_bf16bf16f32(ta, tb, m, n, k, alpha, ra, acols, rb, bcols, beta, c, ldc);
}
#else
#define multiply dnnl_sgemm
#endif

void sgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k, const float *alpha,
            const float *a, const int *lda, const float *b, const int *ldb, const float *beta, float *c,
            const int *ldc) {
    if (multiply(trans(transb), trans(transa), *n, *m, *k, *alpha, b, *ldb, a, *lda, *beta, c, *ldc)) abort();
}
