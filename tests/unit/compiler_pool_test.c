// SPDX-License-Identifier: MIT
/* Pieces that are kept once. */
#include <string.h>

#include "compiler_test.h"
#include "pool.h"

#define PIECES 5000

static void check_once(struct test *test)
{
	struct pool pool = { 0 };
	size_t offsets[PIECES];

	pool_begin(&pool);
	for (unsigned int i = 0; i < PIECES; i++)
		offsets[i] = pool_put(&pool, &i, 2 + i % 3, 7);
	CHECK(test, !pool.bytes.failed && pool.count == PIECES);
	for (unsigned int i = 0; i < PIECES; i++) {
		CHECK(test, !memcmp(pool.bytes.data + offsets[i], &i, 2 + i % 3));
		CHECK(test, pool_put(&pool, &i, 2 + i % 3, 7) == offsets[i]);
	}
	CHECK(test, pool.used_bytes == pool.bytes.bytes);
	CHECK(test, pool.used_raw_bytes == 7ull * pool.count);
	pool_release(&pool);
	test_end(test, "equal pieces have one place");
}

static void check_users(struct test *test)
{
	struct pool pool = { 0 };
	struct pool_mark mark;

	pool_begin(&pool);
	pool_put(&pool, "abc", 3, 10);
	pool_put(&pool, "de", 2, 20);
	pool_begin(&pool);
	CHECK(test, pool.used_bytes == 0);
	CHECK(test, pool_put(&pool, "de", 2, 20) == 3);
	CHECK(test, pool.used_bytes == 2 && pool.used_raw_bytes == 20);
	mark = pool_mark(&pool);
	pool_try(&pool);
	CHECK(test, pool_put(&pool, "fghi", 4, 4) == 5);
	CHECK(test, pool_put(&pool, "de", 2, 20) == 3);
	CHECK(test, pool_put(&pool, "abc", 3, 10) == 0);
	CHECK(test, pool.used_bytes == 2 && pool.put_bytes == 9);
	pool_return(&pool, &mark);
	CHECK(test, pool.bytes.bytes == 5 && pool.used_bytes == 2);
	CHECK(test, pool_put(&pool, "de", 2, 20) == 3);
	CHECK(test, pool_put(&pool, "xyz", 3, 3) == 5);
	CHECK(test, pool_put(&pool, "abc", 3, 10) == 0);
	CHECK(test, pool.used_bytes == 8 && pool.used_raw_bytes == 33);
	CHECK(test, pool_put(&pool, "fghi", 4, 4) == 8);
	pool_release(&pool);
	test_end(test, "users are told apart, and pieces since a mark taken away");
}

int main(void)
{
	struct test test = { 0 };

	check_once(&test);
	check_users(&test);
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
