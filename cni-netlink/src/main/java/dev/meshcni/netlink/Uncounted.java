// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import java.util.ArrayList;
import java.util.List;

/**
 * A message by which the kernel listed something of nf_tables, to be found again whatever its rules have counted since
 * ({@code NFTA_COUNTER_BYTES} and {@code NFTA_COUNTER_PACKETS} of a {@code counter} expression).
 */
public final class Uncounted {
    private static final int NFTA_RULE_EXPRESSIONS = 4;
    private static final String COUNTER = "counter";

    private final NetlinkReply reply;

    /** What lies between the counted numbers: where each part begins, and where it ends. */
    private final int[] starts;

    private final int[] ends;

    private Uncounted(NetlinkReply reply, List<Octets> counted) {
        Octets body = reply.body();
        this.reply = reply;
        this.starts = new int[counted.size() + 1];
        this.ends = new int[counted.size() + 1];
        starts[0] = NfTables.NFGENMSG_LENGTH;
        for (int i = 0; i < counted.size(); i++) {
            ends[i] = body.offset(counted.get(i));
            starts[i + 1] = ends[i] + counted.get(i).length();
        }
        ends[counted.size()] = body.length();
    }

    /** A message of nf_tables, whose bytes are kept. */
    public static Uncounted of(NetlinkReply reply) {
        List<Octets> counted = new ArrayList<>();
        if (NfTables.rule(reply).isPresent()) {
            Attributes rule = reply.attributes(NfTables.NFGENMSG_LENGTH);
            for (Attributes.Attribute element :
                    rule.nested(NFTA_RULE_EXPRESSIONS).all()) {
                Attributes expression = Attributes.parse(element.value());
                if (expression.string(ExpressionReader.NFTA_EXPR_NAME).equals(COUNTER)) {
                    expression
                            .nested(ExpressionReader.NFTA_EXPR_DATA)
                            .all()
                            .forEach(number -> counted.add(number.value()));
                }
            }
        }
        return new Uncounted(reply, counted);
    }

    /**
     * Whether another message says the same but for what was counted, of whatever state of nf_tables it is
     * ({@code res_id} of {@code struct nfgenmsg} has the last two bytes of its number).
     */
    public boolean isSame(NetlinkReply other) {
        Octets some = reply.body();
        Octets others = other.body();
        if (reply.type() != other.type() || some.length() != others.length() || !some.isSame(others, 0, 2)) {
            return false;
        }
        for (int i = 0; i < starts.length; i++) {
            if (!some.isSame(others, starts[i], ends[i])) {
                return false;
            }
        }
        return true;
    }
}
