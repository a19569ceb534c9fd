//! SHA-512 (FIPS 180-4) in a loop: std's is unrolled and takes 18 KB of flash on a Cortex-M0+, this
//! one 1.5. Its constants are calculated when it is compiled.
const std = @import("std");

const Sha512 = @This();

pub const digest_bytes = 64;
const block_bytes = 128;

/// The first primes.
const primes: [80]u32 = list: {
    @setEvalBranchQuota(100000);
    var found: [80]u32 = undefined;
    var count: usize = 0;
    var n: u32 = 2;
    while (count < found.len) : (n += 1) {
        const is_prime = for (found[0..count]) |p| {
            if (n % p == 0) break false;
        } else true;
        if (!is_prime) continue;
        found[count] = n;
        count += 1;
    }
    break :list found;
};

/// The first 64 bits of the fraction of the root of a prime.
fn fraction(comptime prime: u32, comptime power: u32) u64 {
    // the largest r with r^power <= prime 2^(64 power)
    const whole: comptime_int = @as(comptime_int, prime) << (64 * power);
    var r: comptime_int = 0;
    var bit: comptime_int = 1 << 72;
    while (bit > 0) : (bit >>= 1) {
        const next = r + bit;
        const raised = if (power == 2) next * next else next * next * next;
        if (raised <= whole) r = next;
    }
    return r & ((1 << 64) - 1);
}

const round_constants: [80]u64 = table: {
    @setEvalBranchQuota(100000);
    var t: [80]u64 = undefined;
    inline for (primes, 0..) |prime, i| t[i] = fraction(prime, 3);
    break :table t;
};

const initial: [8]u64 = table: {
    @setEvalBranchQuota(10000);
    var t: [8]u64 = undefined;
    inline for (primes[0..8], 0..) |prime, i| t[i] = fraction(prime, 2);
    break :table t;
};

h: [8]u64 = initial,
block: [block_bytes]u8 = undefined,
/// Bytes so far.
length: u32 = 0,

pub fn update(self: *Sha512, bytes: []const u8) void {
    for (bytes) |byte| self.put(byte);
}

fn put(self: *Sha512, byte: u8) void {
    self.block[self.length % block_bytes] = byte;
    self.length += 1;
    if (self.length % block_bytes == 0) self.compress();
}

pub fn final(self: *Sha512, digest: *[digest_bytes]u8) void {
    // the block ends with 128 bits, of which messages here need 35
    var length: [16]u8 = undefined;
    std.mem.writeIntBig(u128, &length, @as(u64, self.length) * 8);
    self.put(0x80);
    while (self.length % block_bytes != block_bytes - length.len) self.put(0);
    self.update(&length);
    for (self.h, 0..) |word, i| std.mem.writeIntBig(u64, digest[8 * i ..][0..8], word);
}

noinline fn rotated(x: u64, comptime a: u6, comptime b: u6, comptime c: u6) u64 {
    return std.math.rotr(u64, x, a) ^ std.math.rotr(u64, x, b) ^ std.math.rotr(u64, x, c);
}

noinline fn spread(x: u64, comptime a: u6, comptime b: u6, comptime c: u6) u64 {
    return std.math.rotr(u64, x, a) ^ std.math.rotr(u64, x, b) ^ (x >> c);
}

noinline fn compress(self: *Sha512) void {
    // of the message schedule only the last 16 words
    var w: [16]u64 = undefined;
    for (&w, 0..) |*word, i| word.* = std.mem.readIntBig(u64, self.block[8 * i ..][0..8]);
    var v = self.h;
    for (round_constants, 0..) |k, i| {
        const word = &w[i & 15];
        if (i >= 16) {
            word.* +%= spread(w[(i + 1) & 15], 1, 8, 7) +% w[(i + 9) & 15];
            word.* +%= spread(w[(i + 14) & 15], 19, 61, 6);
        }
        const e = v[4];
        const choice = (e & v[5]) ^ (~e & v[6]);
        const t1 = v[7] +% rotated(e, 14, 18, 41) +% choice +% k +% word.*;
        const majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        const t2 = rotated(v[0], 28, 34, 39) +% majority;
        var j: usize = 7;
        while (j > 0) : (j -= 1) v[j] = v[j - 1];
        v[4] +%= t1;
        v[0] = t1 +% t2;
    }
    for (&self.h, v) |*sum, value| sum.* +%= value;
}
