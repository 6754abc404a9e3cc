// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import java.util.Locale;
import java.util.Objects;

/**
 * One instruction of a rule ({@code NFTA_EXPR_NAME}, {@code NFTA_EXPR_DATA}): it loads, compares or changes something,
 * or decides.
 *
 * <p>Instructions hand values on in registers ({@code enum nft_registers}); the ones here are those of sixteen bytes,
 * from 1 on. What is none of these records comes out of the kernel as {@link Other} and goes back into it as it was.
 */
public sealed interface Expression {
    /** The metadata of a packet that {@code meta} loads ({@code enum nft_meta_keys}). */
    enum MetaKey implements Numbered {
        MARK(3),
        IIFNAME(6),
        OIFNAME(7),
        SKUID(10),
        SKGID(11),
        NFPROTO(15),
        L4PROTO(16);

        private final int number;

        MetaKey(int number) {
            this.number = number;
        }

        @Override
        public int number() {
            return number;
        }
    }

    /** The data of a connection that {@code ct} loads ({@code enum nft_ct_keys}). */
    enum CtKey implements Numbered {
        STATE(0),
        MARK(3),
        ZONE(17);

        private final int number;

        CtKey(int number) {
            this.number = number;
        }

        @Override
        public int number() {
            return number;
        }
    }

    /** The base of an offset into a packet ({@code enum nft_payload_bases}). */
    enum PayloadBase implements Numbered {
        LINK(0),
        NETWORK(1),
        TRANSPORT(2);

        private final int number;

        PayloadBase(int number) {
            this.number = number;
        }

        @Override
        public int number() {
            return number;
        }
    }

    /** The operator of {@code cmp} ({@code enum nft_cmp_ops}). */
    enum CmpOp implements Numbered {
        EQ(0),
        NEQ(1),
        LT(2),
        LTE(3),
        GT(4),
        GTE(5);

        private final int number;

        CmpOp(int number) {
            this.number = number;
        }

        @Override
        public int number() {
            return number;
        }
    }

    /** A choice that the kernel knows by a number. */
    interface Numbered {
        /** The kernel's number. */
        int number();
    }

    /** {@code meta}: {@code NFTA_META_KEY}, {@code NFTA_META_DREG}. */
    record MetaLoad(MetaKey key, int register) implements Expression {
        @Override
        public String toString() {
            return "meta load " + lower(key) + " => reg " + register;
        }
    }

    /** {@code meta}: {@code NFTA_META_KEY}, {@code NFTA_META_SREG}. */
    record MetaSet(MetaKey key, int register) implements Expression {
        @Override
        public String toString() {
            return "meta set " + lower(key) + " with reg " + register;
        }
    }

    /** {@code ct}: {@code NFTA_CT_KEY}, {@code NFTA_CT_DREG}. */
    record CtLoad(CtKey key, int register) implements Expression {
        @Override
        public String toString() {
            return "ct load " + lower(key) + " => reg " + register;
        }
    }

    /** {@code ct}: {@code NFTA_CT_KEY}, {@code NFTA_CT_SREG}. */
    record CtSet(CtKey key, int register) implements Expression {
        @Override
        public String toString() {
            return "ct set " + lower(key) + " with reg " + register;
        }
    }

    /** {@code payload}: {@code NFTA_PAYLOAD_DREG}, {@code _BASE}, {@code _OFFSET}, {@code _LEN}. */
    record PayloadLoad(PayloadBase base, int offset, int length, int register) implements Expression {
        @Override
        public String toString() {
            return "payload load " + length + "b @ " + lower(base) + " header + " + offset + " => reg " + register;
        }
    }

    /** {@code cmp}: {@code NFTA_CMP_SREG}, {@code NFTA_CMP_OP}, {@code NFTA_CMP_DATA}. */
    record Cmp(CmpOp op, int register, Octets value) implements Expression {
        public Cmp {
            Objects.requireNonNull(op, "op is null");
            Objects.requireNonNull(value, "value is null");
        }

        @Override
        public String toString() {
            return "cmp " + lower(op) + " reg " + register + " " + value;
        }
    }

    /**
     * {@code range}: {@code NFTA_RANGE_SREG}, {@code NFTA_RANGE_OP}, {@code NFTA_RANGE_FROM_DATA},
     * {@code NFTA_RANGE_TO_DATA}.
     *
     * @param inverted {@code NFT_RANGE_NEQ}: the value must not lie in the range
     */
    record Range(int register, boolean inverted, Octets first, Octets last) implements Expression {
        public Range {
            Objects.requireNonNull(first, "first is null");
            Objects.requireNonNull(last, "last is null");
        }

        @Override
        public String toString() {
            return "range " + (inverted ? "neq" : "eq") + " reg " + register + " " + first + " " + last;
        }
    }

    /**
     * {@code bitwise}: {@code NFTA_BITWISE_SREG}, {@code _DREG}, {@code _LEN}, {@code _MASK}, {@code _XOR}; both
     * registers are one.
     */
    record Bitwise(int register, Octets mask, Octets xor) implements Expression {
        public Bitwise {
            if (mask.length() != xor.length()) {
                throw new IllegalArgumentException("mask " + mask + " and xor " + xor + " differ in length");
            }
        }

        @Override
        public String toString() {
            return "bitwise reg " + register + " = ( reg " + register + " & " + mask + " ) ^ " + xor;
        }
    }

    /**
     * {@code lookup}: {@code NFTA_LOOKUP_SREG}, {@code NFTA_LOOKUP_SET}, {@code NFTA_LOOKUP_SET_ID},
     * {@code NFTA_LOOKUP_FLAGS}.
     *
     * @param set the set's name
     * @param setId the number by which the batch that makes the set knows it; 0 for a set that is there
     * @param inverted {@code NFT_LOOKUP_F_INV}: the value must not be in the set
     */
    record Lookup(int register, String set, int setId, boolean inverted) implements Expression {
        public Lookup {
            Objects.requireNonNull(set, "set is null");
        }

        @Override
        public String toString() {
            return "lookup reg " + register + " set " + set + (inverted ? " inverted" : "");
        }
    }

    /** {@code immediate} with {@code NFTA_DATA_VALUE}: {@code NFTA_IMMEDIATE_DREG}, {@code NFTA_IMMEDIATE_DATA}. */
    record Immediate(int register, Octets value) implements Expression {
        public Immediate {
            Objects.requireNonNull(value, "value is null");
        }

        @Override
        public String toString() {
            return "immediate reg " + register + " " + value;
        }
    }

    /** {@code immediate} with {@code NFTA_DATA_VERDICT}, into the verdict register. */
    record Decide(Verdict verdict) implements Expression {
        public Decide {
            Objects.requireNonNull(verdict, "verdict is null");
        }

        @Override
        public String toString() {
            return verdict.toString();
        }
    }

    /** {@code counter}: {@code NFTA_COUNTER_BYTES}, {@code NFTA_COUNTER_PACKETS}. */
    record Counter(long packets, long bytes) implements Expression {
        @Override
        public String toString() {
            return "counter packets " + packets + " bytes " + bytes;
        }
    }

    /** {@code redir}: {@code NFTA_REDIR_REG_PROTO_MIN}, {@code NFTA_REDIR_FLAGS}; to the port in a register. */
    record Redir(int register, int flags) implements Expression {
        /** {@code NF_NAT_RANGE_PROTO_SPECIFIED}. */
        public static final int PROTO_SPECIFIED = 2;

        @Override
        public String toString() {
            return "redir to reg " + register + " flags " + flags;
        }
    }

    /**
     * {@code nat} with {@code NFT_NAT_SNAT}: {@code NFTA_NAT_FAMILY}, {@code NFTA_NAT_REG_ADDR_MIN}; from the one
     * address in a register.
     */
    record Snat(NfProto family, int register) implements Expression {
        @Override
        public String toString() {
            return "nat snat " + lower(family) + " addr_min reg " + register;
        }
    }

    /** {@code tproxy}: {@code NFTA_TPROXY_FAMILY}, {@code NFTA_TPROXY_REG_PORT}; to the port in a register. */
    record Tproxy(NfProto family, int register) implements Expression {
        @Override
        public String toString() {
            return "tproxy " + lower(family) + " port reg " + register;
        }
    }

    /** {@code match}: {@code NFTA_MATCH_NAME}, {@code NFTA_MATCH_REV}, {@code NFTA_MATCH_INFO}; a match of x_tables. */
    record XtMatch(String name, int revision, Octets info) implements Expression {
        public XtMatch {
            Objects.requireNonNull(name, "name is null");
            Objects.requireNonNull(info, "info is null");
        }

        @Override
        public String toString() {
            return "match " + name + " rev " + revision + " " + info;
        }
    }

    /**
     * {@code target}: {@code NFTA_TARGET_NAME}, {@code NFTA_TARGET_REV}, {@code NFTA_TARGET_INFO}; a target of
     * x_tables.
     */
    record XtTarget(String name, int revision, Octets info) implements Expression {
        public XtTarget {
            Objects.requireNonNull(name, "name is null");
            Objects.requireNonNull(info, "info is null");
        }

        @Override
        public String toString() {
            return "target " + name + " rev " + revision + " " + info;
        }
    }

    /** Any other one, as it is. */
    record Other(String name, Octets data) implements Expression {
        public Other {
            Objects.requireNonNull(name, "name is null");
            Objects.requireNonNull(data, "data is null");
        }

        @Override
        public String toString() {
            return data.length() == 0 ? name : name + " " + data;
        }
    }

    private static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
