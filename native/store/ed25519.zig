//! Ed25519 verification (ed25519.h) from the pieces of zig's standard library: the field 2^255 - 19,
//! decoding of points, and arithmetic modulo the group's order. `std.crypto.sign.Ed25519` itself takes 9 KB of
//! stack and 46 KB of flash on a Cortex-M0+; a board has 8 KB of stack. Here the points are worked on
//! in place, the tables are half as large, and no step of the check keeps what only another needs.
const std = @import("std");
const builtin = @import("builtin");
const Sha512 = @import("sha512.zig");
const Curve = std.crypto.ecc.Edwards25519;
const Fe = Curve.Fe;

/// Also a stranger's bytes must not bring the device to a halt: nothing here can fail.
pub fn panic(_: []const u8, _: ?*std.builtin.StackTrace, _: ?usize) noreturn {
    while (true) {}
}

comptime {
    // The simulator's firmware links no run-time library of the compiler's.
    if (builtin.cpu.arch == .wasm32) @export(multiply128, .{ .name = "__multi3", .linkage = .Weak });
}

/// The low 128 bits of a product, from products of 32 bits.
fn multiply128(a: u128, b: u128) callconv(.C) u128 {
    const a_low: u64 = @truncate(a);
    const b_low: u64 = @truncate(b);
    const mask = 0xffffffff;
    const low = (a_low & mask) *% (b_low & mask);
    const middle = (a_low >> 32) *% (b_low & mask) +% (low >> 32);
    const other = (a_low & mask) *% (b_low >> 32) +% (middle & mask);
    const high = (a_low >> 32) *% (b_low >> 32) +% (middle >> 32) +% (other >> 32);
    const crossed = @as(u64, @truncate(a >> 64)) *% b_low +% a_low *% @as(u64, @truncate(b >> 64));
    return @as(u128, high +% crossed) << 64 | (other << 32 | (low & mask));
}

const Part = extern struct { bytes: [*]const u8, size: u32 };

// rt_status_t
const ok: i32 = 0;
const bad_key: i32 = -10; // RT_ERROR_ARGUMENT
const bad_signature: i32 = -22; // RT_ERROR_BLOB_CHECKSUM

/// Extended coordinates: x = X / Z, y = Y / Z, x y = T / Z.
const Point = struct { x: Fe, y: Fe, z: Fe, t: Fe };

/// Odd multiples of a point: 1, 3, 5, 7.
const Table = [4]Point;

const base_table: Table = table: {
    @setEvalBranchQuota(100000);
    const two = Curve.basePoint.dbl();
    var p = Curve.basePoint;
    var t: Table = undefined;
    for (&t) |*entry| {
        entry.* = .{ .x = p.x, .y = p.y, .z = p.z, .t = p.t };
        p = p.add(two);
    }
    break :table t;
};

// The field's operations as calls: inlined they would be several times the code.

noinline fn mul(r: *Fe, a: *const Fe, b: *const Fe) void {
    r.* = a.mul(b.*);
}

noinline fn square(r: *Fe, a: *const Fe) void {
    r.* = a.sq();
}

noinline fn add(r: *Fe, a: *const Fe, b: *const Fe) void {
    r.* = a.add(b.*);
}

noinline fn sub(r: *Fe, a: *const Fe, b: *const Fe) void {
    r.* = a.sub(b.*);
}

/// p = 2 p; formulae of std's Edwards25519.dbl (dbl-2008-hwcd).
noinline fn double(p: *Point) void {
    var a: Fe = undefined;
    var t: Fe = undefined;
    add(&a, &p.x, &p.y);
    square(&a, &a);
    square(&p.x, &p.x);
    square(&p.y, &p.y);
    square(&t, &p.z);
    add(&t, &t, &t);
    var y: Fe = undefined;
    add(&y, &p.y, &p.x);
    sub(&p.z, &p.y, &p.x); // z
    sub(&p.x, &a, &y); // x
    sub(&t, &t, &p.z); // t
    p.y = y;
    finish(p, &t);
}

/// From the four factors: X = x t, Y = y z, Z = z t, T = x y.
noinline fn finish(p: *Point, t: *const Fe) void {
    mul(&p.t, &p.x, &p.y);
    mul(&p.x, &p.x, t);
    mul(&p.y, &p.y, &p.z);
    mul(&p.z, &p.z, t);
}

/// p = p + q, or p - q; formulae of std's Edwards25519.add (add-2008-hwcd-3).
noinline fn addPoint(p: *Point, q: *const Point, negative: bool) void {
    var a: Fe = undefined;
    var b: Fe = undefined;
    var t: Fe = undefined;
    // -q has -x and -t: the sum and the difference of its x and y change places.
    sub(&a, &q.y, &q.x);
    add(&b, &q.x, &q.y);
    const same = if (negative) &b else &a;
    const other = if (negative) &a else &b;
    sub(&t, &p.y, &p.x);
    mul(same, &t, same);
    add(&t, &p.x, &p.y);
    mul(other, &t, other);
    mul(&t, &p.t, &q.t);
    mul(&t, &t, &Fe.edwards25519d2);
    if (negative) sub(&t, &Fe.zero, &t);
    mul(&p.z, &p.z, &q.z);
    add(&p.z, &p.z, &p.z);
    sub(&p.x, other, same);
    add(&p.y, other, same);
    add(&a, &p.z, &t);
    sub(&b, &p.z, &t);
    p.z = a;
    finish(p, &b);
}

const identity = Point{ .x = Fe.zero, .y = Fe.one, .z = Fe.one, .t = Fe.zero };

/// A scalar below 2^253 in non-adjacent form: its digits are 0 or odd between -7 and 7, four bits each.
const Digits = [128]u8;

fn digit(e: *const Digits, i: usize) i8 {
    const four: u4 = @truncate(e[i >> 1] >> if (i & 1 == 0) 0 else 4);
    return @as(i4, @bitCast(four));
}

noinline fn recode(e: *Digits, scalar: *const [32]u8) void {
    @memset(e, 0);
    var carry: u8 = 0;
    var i: usize = 0;
    while (i < 256) {
        const bit = (scalar[i >> 3] >> @as(u3, @truncate(i))) & 1;
        if (bit == carry) {
            i += 1;
            continue;
        }
        // bits i to i + 3; above bit 255 there is nothing
        var window: u8 = carry;
        for (0..4) |k| {
            const at = i + k;
            if (at < 256) window += ((scalar[at >> 3] >> @as(u3, @truncate(at))) & 1) << @as(u3, @truncate(k));
        }
        // 1 to 15, odd: above 7 it is 16 less, and 16 more is carried
        carry = window >> 3;
        e[i >> 1] |= (window & 15) << if (i & 1 == 0) 0 else 4;
        i += 4;
    }
}

noinline fn step(q: *Point, d: i8, table: *const Table) void {
    if (d == 0) return;
    const size: u8 = @intCast(if (d < 0) -d else d);
    addPoint(q, &table[size >> 1], d < 0);
}

/// q = s B + h A, in a time that depends on the scalars: both are public.
noinline fn multiply(q: *Point, s: *const [32]u8, a: *const Point, h: *const [32]u8) void {
    var table: Table = undefined;
    table[0] = a.*;
    q.* = a.*;
    double(q);
    for (1..4) |i| {
        table[i] = table[i - 1];
        addPoint(&table[i], q, false);
    }
    var of_base: Digits = undefined;
    var of_key: Digits = undefined;
    recode(&of_base, s);
    recode(&of_key, h);
    q.* = identity;
    var i: usize = 256;
    while (i > 0) {
        i -= 1;
        double(q);
        step(q, digit(&of_base, i), &base_table);
        step(q, digit(&of_key, i), &table);
    }
}

/// The point of a key, with the opposite sign. Keys that stand for a point of small order, for which
/// every message has a signature, are refused.
noinline fn readKey(a: *Point, key: *const [32]u8) bool {
    Curve.rejectNonCanonical(key.*) catch return false;
    const p = Curve.fromBytes(key.*) catch return false;
    a.* = .{ .x = p.x, .y = p.y, .z = p.z, .t = p.t };
    for (0..3) |_| double(a);
    if (a.x.isZero()) return false;
    a.* = .{ .x = p.x.neg(), .y = p.y, .z = p.z, .t = p.t.neg() };
    return true;
}

noinline fn hash(digest: *[64]u8, signature: *const [64]u8, key: *const [32]u8, parts: []const Part) void {
    var h = Sha512{};
    h.update(signature[0..32]);
    h.update(key);
    for (parts) |part| h.update(part.bytes[0..part.size]);
    h.final(digest);
}

noinline fn reduce(h: *[32]u8, digest: *const [64]u8) void {
    h.* = Curve.scalar.reduce64(digest.*);
}

noinline fn isEncodedAs(q: *const Point, bytes: *const [32]u8) bool {
    const p = Curve{ .x = q.x, .y = q.y, .z = q.z, .t = q.t };
    return std.mem.eql(u8, &p.toBytes(), bytes);
}

noinline fn challenge(h: *[32]u8, signature: *const [64]u8, key: *const [32]u8, parts: []const Part) void {
    var digest: [64]u8 = undefined;
    hash(&digest, signature, key, parts);
    reduce(h, &digest);
}

/// See ed25519.h. As in RFC 8032, 5.1.7, without multiplying by the cofactor: the encoding of
/// s B - h A must be the signature's first half. So does OpenSSL.
export fn rt_ed25519_verify(signature: *const [64]u8, parts: [*]const Part, count: u32, key: *const [32]u8) i32 {
    var a: Point = undefined;
    if (!readKey(&a, key)) return bad_key;
    // not below the group's order: the same signature written in another way
    Curve.scalar.rejectNonCanonical(signature[32..64].*) catch return bad_signature;
    var h: [32]u8 = undefined;
    challenge(&h, signature, key, parts[0..count]);
    var q: Point = undefined;
    multiply(&q, signature[32..64], &a, &h);
    return if (isEncodedAs(&q, signature[0..32])) ok else bad_signature;
}
