/* providers/sqlite/rows.c: implements rows.h. */
#include "providers/sqlite/rows.h"

lp_str lp_row_str(loop_list_u8 l)
{
    return (lp_str){(const char *)l.ptr, l.len};
}

loop_error *lp_row_damaged(void)
{
    return loop_error_new(LOOP_IO, "the store is damaged: a row is not what it should be");
}

loop_error *lp_row_version(sqlite3_stmt *s, int column, loop_string *ret)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    size_t n = (size_t)sqlite3_column_bytes(s, column);
    bool good = text && n && n <= LP_MAX_STORE_VERSION;
    for (size_t i = 0; good && i < n; i++)
        good = text[i] > 32 && text[i] < 127;
    if (!good)
        return lp_row_damaged();
    *ret = (loop_string){text, n};
    return NULL;
}

loop_error *lp_row_numbers(lp_connection *c, sqlite3_stmt *s, int n, int64_t *to, bool *ret)
{
    loop_error *e = lp_sql_step(c, s, ret);
    for (int i = 0; !e && *ret && i < n; i++)
        to[i] = sqlite3_column_int64(s, i);
    lp_sql_done(s);
    return e;
}

loop_error *lp_row_owner(lp_connection *c, lp_str identity, lp_owner *ret)
{
    sqlite3_stmt *s;
    bool there;
    *ret = (lp_owner){0};
    LP_TRY(lp_sql_bind(c, LP_SQL_OWNER, &s, "s", identity));
    int64_t row[4];
    LP_TRY(lp_row_numbers(c, s, 4, row, &there));
    if (there)
        *ret = (lp_owner){row[0], row[1], row[2], row[3]};
    return there && (ret->bytes < 0 || ret->keys < 0 || ret->writes < 0) ? lp_row_damaged() : NULL;
}

loop_error *lp_row_bucket(lp_connection *c, const lp_owner *o, lp_str name, int64_t *ret)
{
    sqlite3_stmt *s;
    bool there;
    *ret = 0;
    if (!o->id)
        return NULL;
    LP_TRY(lp_sql_bind(c, LP_SQL_BUCKET, &s, "is", o->id, name));
    return lp_row_numbers(c, s, 1, ret, &there);
}
