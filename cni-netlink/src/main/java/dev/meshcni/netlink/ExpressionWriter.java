// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import static dev.meshcni.netlink.ExpressionReader.NFTA_DATA_VALUE;
import static dev.meshcni.netlink.ExpressionReader.NFTA_DATA_VERDICT;
import static dev.meshcni.netlink.ExpressionReader.NFTA_EXPR_DATA;
import static dev.meshcni.netlink.ExpressionReader.NFTA_EXPR_NAME;
import static dev.meshcni.netlink.ExpressionReader.NFTA_NAT_FAMILY;
import static dev.meshcni.netlink.ExpressionReader.NFTA_NAT_REG_ADDR_MIN;
import static dev.meshcni.netlink.ExpressionReader.NFTA_NAT_TYPE;
import static dev.meshcni.netlink.ExpressionReader.NFTA_VERDICT_CHAIN;
import static dev.meshcni.netlink.ExpressionReader.NFTA_VERDICT_CODE;
import static dev.meshcni.netlink.ExpressionReader.NFT_LOOKUP_F_INV;
import static dev.meshcni.netlink.ExpressionReader.NFT_NAT_SNAT;

import dev.meshcni.netlink.Expression.Bitwise;
import dev.meshcni.netlink.Expression.Cmp;
import dev.meshcni.netlink.Expression.Counter;
import dev.meshcni.netlink.Expression.CtLoad;
import dev.meshcni.netlink.Expression.CtSet;
import dev.meshcni.netlink.Expression.Decide;
import dev.meshcni.netlink.Expression.Immediate;
import dev.meshcni.netlink.Expression.Lookup;
import dev.meshcni.netlink.Expression.MetaLoad;
import dev.meshcni.netlink.Expression.MetaSet;
import dev.meshcni.netlink.Expression.Other;
import dev.meshcni.netlink.Expression.PayloadLoad;
import dev.meshcni.netlink.Expression.Range;
import dev.meshcni.netlink.Expression.Redir;
import dev.meshcni.netlink.Expression.Snat;
import dev.meshcni.netlink.Expression.Tproxy;
import dev.meshcni.netlink.Expression.XtMatch;
import dev.meshcni.netlink.Expression.XtTarget;
import java.util.function.Consumer;

/**
 * Writes expressions as elements of a list ({@code NFTA_LIST_ELEM}). The attributes of each are those of
 * {@link ExpressionReader}.
 */
final class ExpressionWriter {
    private static final int NFTA_LIST_ELEM = 1;
    private static final int NFT_REG_VERDICT = 0;

    private ExpressionWriter() {}

    static void write(AttributeWriter list, Expression expression) {
        switch (expression) {
            case MetaLoad(var key, int register) ->
                element(list, "meta", data -> data.be32(2, key.number()).be32(1, register));
            case MetaSet(var key, int register) ->
                element(list, "meta", data -> data.be32(2, key.number()).be32(3, register));
            case CtLoad(var key, int register) ->
                element(list, "ct", data -> data.be32(2, key.number()).be32(1, register));
            case CtSet(var key, int register) ->
                element(list, "ct", data -> data.be32(2, key.number()).be32(4, register));
            case PayloadLoad(var base, int offset, int length, int register) ->
                element(
                        list,
                        "payload",
                        data -> data.be32(1, register)
                                .be32(2, base.number())
                                .be32(3, offset)
                                .be32(4, length));
            case Cmp(var op, int register, var value) ->
                element(
                        list,
                        "cmp",
                        data -> data.be32(1, register).be32(2, op.number()).nested(3, inner -> value(inner, value)));
            case Range(int register, boolean inverted, var first, var last) ->
                element(
                        list,
                        "range",
                        data -> data.be32(1, register)
                                .be32(2, inverted ? 1 : 0)
                                .nested(3, inner -> value(inner, first))
                                .nested(4, inner -> value(inner, last)));
            case Bitwise(int register, var mask, var xor) ->
                element(
                        list,
                        "bitwise",
                        data -> data.be32(1, register)
                                .be32(2, register)
                                .be32(3, mask.length())
                                .nested(4, inner -> value(inner, mask))
                                .nested(5, inner -> value(inner, xor)));
            case Lookup lookup -> element(list, "lookup", data -> write(data, lookup));
            case Immediate(int register, var value) ->
                element(list, "immediate", data -> data.be32(1, register).nested(2, inner -> value(inner, value)));
            case Decide(var verdict) ->
                element(
                        list,
                        "immediate",
                        data -> data.be32(1, NFT_REG_VERDICT)
                                .nested(2, inner -> inner.nested(NFTA_DATA_VERDICT, of -> write(of, verdict))));
            case Counter(long packets, long bytes) ->
                element(list, "counter", data -> data.be64(1, bytes).be64(2, packets));
            case Redir(int register, int flags) ->
                element(list, "redir", data -> data.be32(1, register).be32(3, flags));
            case Snat(var family, int register) ->
                element(
                        list,
                        "nat",
                        data -> data.be32(NFTA_NAT_TYPE, NFT_NAT_SNAT)
                                .be32(NFTA_NAT_FAMILY, family.number())
                                .be32(NFTA_NAT_REG_ADDR_MIN, register));
            case Tproxy(var family, int register) ->
                element(list, "tproxy", data -> data.be32(1, family.number()).be32(3, register));
            case XtMatch(var name, int revision, var info) ->
                element(list, "match", data -> extension(data, name, revision, info));
            case XtTarget(var name, int revision, var info) ->
                element(list, "target", data -> extension(data, name, revision, info));
            case Other(var name, var data) -> other(list, name, data);
        }
    }

    private static void element(AttributeWriter list, String name, Consumer<AttributeWriter> data) {
        list.nested(
                NFTA_LIST_ELEM, element -> element.string(NFTA_EXPR_NAME, name).nested(NFTA_EXPR_DATA, data));
    }

    private static void other(AttributeWriter list, String name, Octets data) {
        list.nested(NFTA_LIST_ELEM, element -> {
            element.string(NFTA_EXPR_NAME, name);
            if (data.length() > 0) {
                element.bytes(NFTA_EXPR_DATA | AttributeWriter.NESTED, data);
            }
        });
    }

    private static void value(AttributeWriter data, Octets value) {
        data.bytes(NFTA_DATA_VALUE, value);
    }

    private static void write(AttributeWriter data, Lookup lookup) {
        data.be32(2, lookup.register()).string(1, lookup.set());
        if (lookup.setId() != 0) {
            data.be32(4, lookup.setId());
        }
        if (lookup.inverted()) {
            data.be32(5, NFT_LOOKUP_F_INV);
        }
    }

    private static void write(AttributeWriter data, Verdict verdict) {
        data.be32(NFTA_VERDICT_CODE, verdict.code().number());
        if (!verdict.chain().isEmpty()) {
            data.string(NFTA_VERDICT_CHAIN, verdict.chain());
        }
    }

    private static void extension(AttributeWriter data, String name, int revision, Octets info) {
        data.string(1, name).be32(2, revision).bytes(3, info);
    }
}
