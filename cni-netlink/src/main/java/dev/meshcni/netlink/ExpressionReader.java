// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import dev.meshcni.netlink.Expression.Bitwise;
import dev.meshcni.netlink.Expression.Cmp;
import dev.meshcni.netlink.Expression.CmpOp;
import dev.meshcni.netlink.Expression.Counter;
import dev.meshcni.netlink.Expression.CtKey;
import dev.meshcni.netlink.Expression.CtLoad;
import dev.meshcni.netlink.Expression.CtSet;
import dev.meshcni.netlink.Expression.Decide;
import dev.meshcni.netlink.Expression.Immediate;
import dev.meshcni.netlink.Expression.Lookup;
import dev.meshcni.netlink.Expression.MetaKey;
import dev.meshcni.netlink.Expression.MetaLoad;
import dev.meshcni.netlink.Expression.MetaSet;
import dev.meshcni.netlink.Expression.Numbered;
import dev.meshcni.netlink.Expression.Other;
import dev.meshcni.netlink.Expression.PayloadBase;
import dev.meshcni.netlink.Expression.PayloadLoad;
import dev.meshcni.netlink.Expression.Range;
import dev.meshcni.netlink.Expression.Redir;
import dev.meshcni.netlink.Expression.Snat;
import dev.meshcni.netlink.Expression.Tproxy;
import dev.meshcni.netlink.Expression.XtMatch;
import dev.meshcni.netlink.Expression.XtTarget;
import java.util.Optional;

/**
 * Reads expressions. One that has an attribute or a value which its record has no place for comes out as {@link Other},
 * so that nothing it says is ever lost.
 */
final class ExpressionReader {
    static final int NFTA_EXPR_NAME = 1;
    static final int NFTA_EXPR_DATA = 2;
    static final int NFTA_DATA_VALUE = 1;
    static final int NFTA_DATA_VERDICT = 2;
    static final int NFTA_VERDICT_CODE = 1;
    static final int NFTA_VERDICT_CHAIN = 2;
    static final int NFT_LOOKUP_F_INV = 1;
    static final int NFTA_NAT_TYPE = 1;
    static final int NFTA_NAT_FAMILY = 2;
    static final int NFTA_NAT_REG_ADDR_MIN = 3;
    static final int NFTA_NAT_REG_ADDR_MAX = 4;
    static final int NFTA_NAT_FLAGS = 7;
    static final int NFT_NAT_SNAT = 0;

    /** {@code NF_NAT_RANGE_MAP_IPS}, which newer kernels tell wherever an address is set. */
    private static final int NF_NAT_RANGE_MAP_IPS = 1;

    /** {@code NFTA_COUNTER_PAD}: aligns the numbers where the machine needs that. */
    private static final int NFTA_COUNTER_PAD = 3;

    private ExpressionReader() {}

    /** Reads an element of a list of expressions. */
    static Expression read(Octets element) {
        Attributes attributes = Attributes.parse(element);
        String name = attributes.string(NFTA_EXPR_NAME);
        Octets data = attributes.bytes(NFTA_EXPR_DATA).orElse(Octets.NONE);
        Attributes fields = Attributes.parse(data);
        Optional<? extends Expression> known = switch (name) {
            case "meta" -> meta(fields);
            case "ct" -> ct(fields);
            case "payload" -> payload(fields);
            case "cmp" -> cmp(fields);
            case "range" -> range(fields);
            case "bitwise" -> bitwise(fields);
            case "lookup" -> lookup(fields);
            case "immediate" -> immediate(fields);
            case "counter" -> counter(fields);
            case "redir" -> redir(fields);
            case "nat" -> snat(fields);
            case "tproxy" -> tproxy(fields);
            case "match" -> only(fields, 1, 2, 3).map(f -> new XtMatch(f.string(1), number(f, 2), bytes(f, 3)));
            case "target" -> only(fields, 1, 2, 3).map(f -> new XtTarget(f.string(1), number(f, 2), bytes(f, 3)));
            default -> Optional.empty();
        };
        return known.isPresent() ? known.get() : new Other(name, data);
    }

    private static Optional<Expression> meta(Attributes fields) {
        return choice(MetaKey.values(), number(fields, 2)).flatMap(key -> {
            if (fields.hasOnly(1, 2) && fields.has(1)) {
                return Optional.of(new MetaLoad(key, number(fields, 1)));
            }
            return only(fields, 2, 3).map(f -> new MetaSet(key, number(f, 3)));
        });
    }

    private static Optional<Expression> ct(Attributes fields) {
        return choice(CtKey.values(), number(fields, 2)).flatMap(key -> {
            if (fields.hasOnly(1, 2) && fields.has(1)) {
                return Optional.of(new CtLoad(key, number(fields, 1)));
            }
            return only(fields, 2, 4).map(f -> new CtSet(key, number(f, 4)));
        });
    }

    private static Optional<PayloadLoad> payload(Attributes fields) {
        return only(fields, 1, 2, 3, 4)
                .flatMap(f -> choice(PayloadBase.values(), number(f, 2)))
                .map(base -> new PayloadLoad(base, number(fields, 3), number(fields, 4), number(fields, 1)));
    }

    private static Optional<Cmp> cmp(Attributes fields) {
        return only(fields, 1, 2, 3)
                .flatMap(f -> choice(CmpOp.values(), number(f, 2)))
                .map(op -> new Cmp(op, number(fields, 1), value(fields, 3)));
    }

    private static Optional<Range> range(Attributes fields) {
        int op = number(fields, 2);
        return only(fields, 1, 2, 3, 4)
                .filter(f -> op == 0 || op == 1)
                .map(f -> new Range(number(f, 1), op == 1, value(f, 3), value(f, 4)));
    }

    /**
     * Its operation 0 is the one with a mask and an exclusive or; kernels before 5.6 have no other and do not name it.
     */
    private static Optional<Bitwise> bitwise(Attributes fields) {
        boolean mask = fields.hasOnly(1, 2, 3, 4, 5, 6) && fields.be32(6).orElse(0) == 0;
        int length = value(fields, 4).length();
        boolean inPlace = number(fields, 1) == number(fields, 2) && length > 0;
        return mask && inPlace && value(fields, 5).length() == length
                ? Optional.of(new Bitwise(number(fields, 1), value(fields, 4), value(fields, 5)))
                : Optional.empty();
    }

    private static Optional<Lookup> lookup(Attributes fields) {
        int flags = fields.be32(5).orElse(0);
        return fields.hasOnly(1, 2, 4, 5) && (flags & ~NFT_LOOKUP_F_INV) == 0
                ? Optional.of(new Lookup(
                        number(fields, 2), fields.string(1), fields.be32(4).orElse(0), flags != 0))
                : Optional.empty();
    }

    private static Optional<Expression> immediate(Attributes fields) {
        if (!fields.hasOnly(1, 2)) {
            return Optional.empty();
        }
        Attributes data = fields.nested(2);
        if (data.has(NFTA_DATA_VALUE)) {
            return Optional.of(new Immediate(number(fields, 1), bytes(data, NFTA_DATA_VALUE)));
        }
        Attributes verdict = data.nested(NFTA_DATA_VERDICT);
        return verdict.hasOnly(NFTA_VERDICT_CODE, NFTA_VERDICT_CHAIN) && number(fields, 1) == 0
                ? verdict(verdict).map(Decide::new)
                : Optional.empty();
    }

    private static Optional<Verdict> verdict(Attributes fields) {
        String chain = fields.string(NFTA_VERDICT_CHAIN);
        return Verdict.Code.of(number(fields, NFTA_VERDICT_CODE)).flatMap(code -> {
            try {
                return Optional.of(new Verdict(code, chain));
            } catch (IllegalArgumentException e) {
                return Optional.empty();
            }
        });
    }

    private static Optional<Counter> counter(Attributes fields) {
        return fields.hasOnly(1, 2, NFTA_COUNTER_PAD)
                ? Optional.of(
                        new Counter(fields.be64(2).orElse(0), fields.be64(1).orElse(0)))
                : Optional.empty();
    }

    /** The kernel also tells the last port of a range, which is the first one here. */
    private static Optional<Redir> redir(Attributes fields) {
        int first = number(fields, 1);
        return fields.hasOnly(1, 2, 3) && fields.has(1) && fields.be32(2).orElse(first) == first
                ? Optional.of(new Redir(first, fields.be32(3).orElse(0)))
                : Optional.empty();
    }

    /** The kernel also tells the last address of a range, which is the first one here. */
    private static Optional<Snat> snat(Attributes fields) {
        int first = number(fields, NFTA_NAT_REG_ADDR_MIN);
        boolean one = fields.hasOnly(
                        NFTA_NAT_TYPE, NFTA_NAT_FAMILY, NFTA_NAT_REG_ADDR_MIN, NFTA_NAT_REG_ADDR_MAX, NFTA_NAT_FLAGS)
                && fields.hasAll(NFTA_NAT_TYPE, NFTA_NAT_REG_ADDR_MIN)
                && number(fields, NFTA_NAT_TYPE) == NFT_NAT_SNAT
                && fields.be32(NFTA_NAT_REG_ADDR_MAX).orElse(first) == first
                && (number(fields, NFTA_NAT_FLAGS) & ~NF_NAT_RANGE_MAP_IPS) == 0;
        return one
                ? NfProto.of(number(fields, NFTA_NAT_FAMILY)).map(family -> new Snat(family, first))
                : Optional.empty();
    }

    private static Optional<Tproxy> tproxy(Attributes fields) {
        return only(fields, 1, 3)
                .flatMap(f -> NfProto.of(number(f, 1)))
                .map(family -> new Tproxy(family, number(fields, 3)));
    }

    /** The fields, if these are all there and no other one is. */
    private static Optional<Attributes> only(Attributes fields, int... types) {
        return fields.hasOnly(types) && fields.hasAll(types) ? Optional.of(fields) : Optional.empty();
    }

    private static int number(Attributes fields, int type) {
        return fields.be32(type).orElse(0);
    }

    private static Octets bytes(Attributes fields, int type) {
        return fields.bytes(type).orElse(Octets.NONE);
    }

    private static Octets value(Attributes fields, int type) {
        return bytes(fields.nested(type), NFTA_DATA_VALUE);
    }

    private static <T extends Numbered> Optional<T> choice(T[] values, int number) {
        for (T value : values) {
            if (value.number() == number) {
                return Optional.of(value);
            }
        }
        return Optional.empty();
    }
}
