// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import dev.meshcni.netlink.Expression.Cmp;
import dev.meshcni.netlink.Expression.CmpOp;
import dev.meshcni.netlink.Expression.MetaKey;
import dev.meshcni.netlink.Expression.MetaLoad;
import dev.meshcni.netlink.Expression.PayloadBase;
import dev.meshcni.netlink.Expression.PayloadLoad;
import dev.meshcni.netlink.Expression.XtMatch;
import dev.meshcni.netlink.Expression.XtTarget;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A rule of nf_tables ({@code NFTA_RULE_TABLE}, {@code NFTA_RULE_CHAIN}, {@code NFTA_RULE_EXPRESSIONS}).
 *
 * @param handle the kernel's number of the rule ({@code NFTA_RULE_HANDLE}); 0 for one that is not there yet
 * @param userdata what a program keeps with it for itself, such as a comment ({@code NFTA_RULE_USERDATA})
 */
public record KernelRule(
        NfProto family, String table, String chain, long handle, List<Expression> expressions, Octets userdata) {
    private static final int NFTA_RULE_TABLE = 1;
    private static final int NFTA_RULE_CHAIN = 2;
    private static final int NFTA_RULE_HANDLE = 3;
    private static final int NFTA_RULE_EXPRESSIONS = 4;
    private static final int NFTA_RULE_COMPAT = 5;
    private static final int NFTA_RULE_POSITION = 6;
    private static final int NFTA_RULE_USERDATA = 7;
    private static final int NFTA_RULE_COMPAT_PROTO = 1;
    private static final int NFTA_RULE_COMPAT_FLAGS = 2;

    /** {@code NFT_RULE_COMPAT_F_INV}: any protocol but the one that is named. */
    private static final int NFT_RULE_COMPAT_F_INV = 2;

    /** The field {@code protocol} of {@code struct iphdr}. */
    private static final int IPV4_PROTOCOL_OFFSET = 9;

    public KernelRule {
        Objects.requireNonNull(family, "family is null");
        Objects.requireNonNull(table, "table is null");
        Objects.requireNonNull(chain, "chain is null");
        Objects.requireNonNull(userdata, "userdata is null");
        expressions = List.copyOf(expressions);
    }

    /** A rule to be made. */
    public static KernelRule of(KernelTable table, String chain, List<Expression> expressions) {
        return new KernelRule(table.family(), table.name(), chain, 0, expressions, Octets.NONE);
    }

    static KernelRule read(NfProto family, Attributes attributes) {
        List<Expression> expressions = new ArrayList<>();
        for (Attributes.Attribute element :
                attributes.nested(NFTA_RULE_EXPRESSIONS).all()) {
            expressions.add(ExpressionReader.read(element.value()));
        }
        return new KernelRule(
                family,
                attributes.string(NFTA_RULE_TABLE),
                attributes.string(NFTA_RULE_CHAIN),
                attributes.be64(NFTA_RULE_HANDLE).orElse(0),
                expressions,
                attributes.bytes(NFTA_RULE_USERDATA).orElse(Octets.NONE));
    }

    /** Behind ({@code NLM_F_APPEND}) or before the rule of a handle; of all rules of the chain if that is 0. */
    void write(AttributeWriter attributes, long position) {
        attributes
                .string(NFTA_RULE_TABLE, table)
                .string(NFTA_RULE_CHAIN, chain)
                .nested(
                        NFTA_RULE_EXPRESSIONS,
                        list -> expressions.forEach(expression -> ExpressionWriter.write(list, expression)));
        if (expressions.stream().anyMatch(e -> e instanceof XtMatch || e instanceof XtTarget)) {
            attributes.nested(NFTA_RULE_COMPAT, this::writeCompat);
        }
        if (position != 0) {
            attributes.be64(NFTA_RULE_POSITION, position);
        }
        if (userdata.length() > 0) {
            attributes.bytes(NFTA_RULE_USERDATA, userdata);
        }
    }

    void writeReference(AttributeWriter attributes) {
        attributes.string(NFTA_RULE_TABLE, table).string(NFTA_RULE_CHAIN, chain).be64(NFTA_RULE_HANDLE, handle);
    }

    /**
     * Extensions of x_tables ask which protocol the rule is for. The kernel does not tell it again: the first
     * comparison does.
     */
    private void writeCompat(AttributeWriter attributes) {
        int protocol = 0;
        boolean inverted = false;
        for (int i = 0; i + 1 < expressions.size(); i++) {
            if (loadsProtocol(expressions.get(i))
                    && expressions.get(i + 1) instanceof Cmp cmp
                    && cmp.value().length() == 1) {
                protocol = Byte.toUnsignedInt(cmp.value().bytes()[0]);
                inverted = cmp.op() == CmpOp.NEQ;
                break;
            }
        }
        attributes
                .be32(NFTA_RULE_COMPAT_PROTO, protocol)
                .be32(NFTA_RULE_COMPAT_FLAGS, inverted ? NFT_RULE_COMPAT_F_INV : 0);
    }

    /** {@code meta l4proto}, or as old programs ask for it the field of the IPv4 header. */
    private boolean loadsProtocol(Expression expression) {
        return switch (expression) {
            case MetaLoad load -> load.key() == MetaKey.L4PROTO;
            case PayloadLoad load ->
                family == NfProto.IPV4
                        && load.base() == PayloadBase.NETWORK
                        && load.offset() == IPV4_PROTOCOL_OFFSET
                        && load.length() == 1;
            default -> false;
        };
    }
}
