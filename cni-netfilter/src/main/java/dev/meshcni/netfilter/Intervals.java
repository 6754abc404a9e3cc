// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import dev.meshcni.rules.Cidr;
import java.math.BigInteger;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A set of numbers, ports or addresses, in the notation of {@code nft(8)}.
 *
 * <p>Ranges that touch or overlap are one, because {@code nft} joins them as well: the same set is always the same
 * text, whichever way it was written.
 *
 * @param bits the length of a number: 16 for ports, 32 or 128 for addresses
 * @param ranges sorted, with a gap between each two
 */
public record Intervals(int bits, List<Range> ranges) {
    private static final int PORT_BITS = 16;

    /** All numbers from the first to the last. */
    public record Range(BigInteger first, BigInteger last) {}

    public Intervals {
        List<Range> sorted = ranges.stream()
                .sorted(Comparator.comparing(Range::first).thenComparing(Range::last))
                .toList();
        List<Range> joined = new ArrayList<>();
        for (Range range : sorted) {
            Range before = joined.isEmpty() ? null : joined.getLast();
            if (before != null && range.first().compareTo(before.last().add(BigInteger.ONE)) <= 0) {
                joined.removeLast();
                joined.add(new Range(before.first(), before.last().max(range.last())));
            } else {
                joined.add(range);
            }
        }
        ranges = List.copyOf(joined);
    }

    /** A set of ports. */
    public static Intervals ports(List<Integer> ports) {
        return new Intervals(
                PORT_BITS,
                ports.stream()
                        .map(BigInteger::valueOf)
                        .map(port -> new Range(port, port))
                        .toList());
    }

    /** The addresses of blocks of one family, of which there is at least one. */
    public static Intervals blocks(List<Cidr> blocks) {
        int bits = blocks.getFirst().family().addressBits();
        return new Intervals(bits, blocks.stream().map(Intervals::block).toList());
    }

    static Range block(Cidr block) {
        BigInteger first = number(block.address());
        int hostBits = block.family().addressBits() - block.prefixLength();
        BigInteger size = BigInteger.ONE.shiftLeft(hostBits);
        return new Range(first, first.add(size).subtract(BigInteger.ONE));
    }

    static BigInteger number(InetAddress address) {
        return new BigInteger(1, address.getAddress());
    }

    /** The set as the right side of a match: an element alone, or several in braces. */
    String text() {
        List<String> elements = ranges.stream().map(this::element).toList();
        return elements.size() == 1
                ? elements.getFirst()
                : elements.stream().collect(Collectors.joining(", ", "{ ", " }"));
    }

    private String element(Range range) {
        if (range.first().equals(range.last())) {
            return value(range.first());
        }
        BigInteger size = range.last().subtract(range.first()).add(BigInteger.ONE);
        boolean block = bits > PORT_BITS
                && size.bitCount() == 1
                && range.first().mod(size).signum() == 0;
        return block
                ? value(range.first()) + "/" + (bits - size.getLowestSetBit())
                : value(range.first()) + "-" + value(range.last());
    }

    private String value(BigInteger number) {
        return switch (bits) {
            case PORT_BITS -> number.toString();
            case 32 ->
                IntStream.of(24, 16, 8, 0)
                        .mapToObj(
                                shift -> String.valueOf(number.shiftRight(shift).intValue() & 0xff))
                        .collect(Collectors.joining("."));
            default ->
                IntStream.iterate(112, shift -> shift >= 0, shift -> shift - 16)
                        .mapToObj(shift ->
                                Integer.toHexString(number.shiftRight(shift).intValue() & 0xffff))
                        .collect(Collectors.joining(":"));
        };
    }
}
