// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The messages of nf_tables ({@code enum nf_tables_msg_types} of {@code linux/netfilter/nf_tables.h}): requests, and
 * what the answers mean. Each has a {@code struct nfgenmsg} before its attributes.
 */
public final class NfTables {
    /** {@code NFNL_SUBSYS_NFTABLES}. */
    static final int SUBSYSTEM = 10;

    private static final int NEWTABLE = 0;
    private static final int GETTABLE = 1;
    private static final int DELTABLE = 2;
    private static final int NEWCHAIN = 3;
    private static final int GETCHAIN = 4;
    private static final int DELCHAIN = 5;
    private static final int NEWRULE = 6;
    private static final int GETRULE = 7;
    private static final int DELRULE = 8;
    private static final int NEWSET = 9;
    private static final int GETSET = 10;
    private static final int NEWSETELEM = 12;
    private static final int GETSETELEM = 13;
    private static final int DELSETELEM = 14;
    private static final int NEWGEN = 15;
    private static final int GETGEN = 16;
    private static final int NEWOBJ = 18;
    private static final int GETOBJ = 19;
    private static final int NEWFLOWTABLE = 22;
    private static final int GETFLOWTABLE = 23;

    /** The first attribute of all but rules is the table's name, and the second one often its own. */
    private static final int NFTA_TABLE = 1;

    private static final int NFTA_TABLE_USE = 3;

    private static final int NFTA_CHAIN_NAME = 3;
    private static final int NFTA_RULE_CHAIN = 2;
    private static final int NFTA_SET_NAME = 2;
    private static final int NFTA_SET_ELEM_LIST_SET = 2;
    private static final int NFTA_SET_ELEM_LIST_ELEMENTS = 3;
    private static final int NFTA_SET_ELEM_LIST_SET_ID = 4;
    private static final int NFTA_GEN_ID = 1;
    /** The length of {@code struct nfgenmsg}. */
    static final int NFGENMSG_LENGTH = 4;

    /** Elements of one message: with the longest keys they stay below the length that an attribute can have. */
    private static final int ELEMENTS_PER_MESSAGE = 500;

    private NfTables() {}

    /** {@code NFT_MSG_NEWTABLE}: makes a table, unless it is there. */
    public static NetlinkMessage add(KernelTable table) {
        return message(NEWTABLE, NetlinkMessage.CREATE, table.family()).attributes(table::write);
    }

    /** {@code NFT_MSG_DELTABLE}: deletes a table with all that is in it. */
    public static NetlinkMessage delete(KernelTable table) {
        return message(DELTABLE, 0, table.family()).attributes(a -> a.string(NFTA_TABLE, table.name()));
    }

    /** {@code NFT_MSG_NEWCHAIN}: makes a chain, unless it is there. */
    public static NetlinkMessage add(KernelChain chain) {
        return message(NEWCHAIN, NetlinkMessage.CREATE, chain.family()).attributes(chain::write);
    }

    /** {@code NFT_MSG_DELCHAIN}: deletes a chain without rules that no rule leads to. */
    public static NetlinkMessage delete(KernelChain chain) {
        return message(DELCHAIN, 0, chain.family())
                .attributes(a -> a.string(NFTA_TABLE, chain.table()).string(NFTA_CHAIN_NAME, chain.name()));
    }

    /** {@code NFT_MSG_DELRULE} without a handle: deletes all rules of a chain. */
    public static NetlinkMessage flush(KernelChain chain) {
        return message(DELRULE, 0, chain.family())
                .attributes(a -> a.string(NFTA_TABLE, chain.table()).string(NFTA_RULE_CHAIN, chain.name()));
    }

    /** {@code NFT_MSG_NEWRULE}: adds a rule behind all of its chain. */
    public static NetlinkMessage append(KernelRule rule) {
        return message(NEWRULE, NetlinkMessage.CREATE | NetlinkMessage.APPEND, rule.family())
                .attributes(a -> rule.write(a, 0));
    }

    /** {@code NFT_MSG_NEWRULE} with {@code NFTA_RULE_POSITION}: adds a rule right before one that is there. */
    public static NetlinkMessage insertBefore(long handle, KernelRule rule) {
        return message(NEWRULE, NetlinkMessage.CREATE, rule.family()).attributes(a -> rule.write(a, handle));
    }

    /** {@code NFT_MSG_DELRULE}: deletes the rule of a handle. */
    public static NetlinkMessage delete(KernelRule rule) {
        return message(DELRULE, 0, rule.family()).attributes(rule::writeReference);
    }

    /** {@code NFT_MSG_NEWSET}: makes a set. */
    public static NetlinkMessage add(KernelSet set) {
        return message(NEWSET, NetlinkMessage.CREATE, set.family()).attributes(set::write);
    }

    /**
     * {@code NFT_MSG_NEWSETELEM}: puts elements into a set that is there or made by the same batch; several messages if
     * there are many. One whose key is in the set already stays as it was, its comment too.
     */
    public static List<NetlinkMessage> add(KernelSet set, List<SetElement> elements) {
        return messages(NEWSETELEM, NetlinkMessage.CREATE, set, elements);
    }

    /**
     * {@code NFT_MSG_DELSETELEM}: takes elements out of a set by their keys; several messages if there are many. The
     * kernel refuses to take out what is not there.
     */
    public static List<NetlinkMessage> delete(KernelSet set, List<SetElement> elements) {
        return messages(DELSETELEM, 0, set, elements);
    }

    /** {@code NFT_MSG_NEWOBJ}, {@code NFT_MSG_NEWFLOWTABLE}: makes an object or a flow table. */
    public static NetlinkMessage add(KernelObject object) {
        int type = switch (object.kind()) {
            case OBJECT -> NEWOBJ;
            case FLOWTABLE -> NEWFLOWTABLE;
        };
        return message(type, NetlinkMessage.CREATE, object.family()).attributes(object::write);
    }

    /** {@code NFT_MSG_GETGEN}: asks for the number of the state, which every change raises. */
    public static NetlinkMessage generation() {
        return message(GETGEN, 0, NfProto.UNSPEC);
    }

    /** {@code NFT_MSG_GETTABLE}: asks for one table, which is refused ({@code ENOENT}) if there is none of the name. */
    public static NetlinkMessage find(KernelTable table) {
        return message(GETTABLE, 0, table.family()).attributes(a -> a.string(NFTA_TABLE, table.name()));
    }

    /** {@code NFT_MSG_GETCHAIN}: asks for one chain of a table, as {@link #find}. */
    public static NetlinkMessage findChain(KernelTable table, String name) {
        return message(GETCHAIN, 0, table.family())
                .attributes(a -> a.string(NFTA_TABLE, table.name()).string(NFTA_CHAIN_NAME, name));
    }

    /** {@code NFT_MSG_GETSET}: asks for one set of a table, without its elements, as {@link #find}. */
    public static NetlinkMessage findSet(KernelTable table, String name) {
        return message(GETSET, 0, table.family())
                .attributes(a -> a.string(NFTA_TABLE, table.name()).string(NFTA_SET_NAME, name));
    }

    /** {@code NFT_MSG_GETTABLE}: asks for the tables of a family. */
    public static NetlinkMessage tables(NfProto family) {
        return message(GETTABLE, NetlinkMessage.DUMP, family);
    }

    /** {@code NFT_MSG_GETCHAIN}: asks for the chains of a family. */
    public static NetlinkMessage chains(NfProto family) {
        return message(GETCHAIN, NetlinkMessage.DUMP, family);
    }

    /**
     * {@code NFT_MSG_GETRULE}: asks for the rules of a table. Kernels before 4.10 list those of all tables of its
     * family.
     */
    public static NetlinkMessage rules(KernelTable table) {
        return message(GETRULE, NetlinkMessage.DUMP, table.family())
                .attributes(a -> a.string(NFTA_TABLE, table.name()));
    }

    /** {@code NFT_MSG_GETSET}: asks for the sets of a family. */
    public static NetlinkMessage sets(NfProto family) {
        return message(GETSET, NetlinkMessage.DUMP, family);
    }

    /** {@code NFT_MSG_GETOBJ}: asks for the objects of a family. */
    public static NetlinkMessage objects(NfProto family) {
        return message(GETOBJ, NetlinkMessage.DUMP, family);
    }

    /** {@code NFT_MSG_GETFLOWTABLE}: asks for the flow tables of a family. */
    public static NetlinkMessage flowTables(NfProto family) {
        return message(GETFLOWTABLE, NetlinkMessage.DUMP, family);
    }

    /** {@code NFT_MSG_GETSETELEM}: asks for the elements of a set. */
    public static NetlinkMessage elements(KernelSet set) {
        return message(GETSETELEM, NetlinkMessage.DUMP, set.family())
                .attributes(a -> a.string(NFTA_TABLE, set.table()).string(NFTA_SET_ELEM_LIST_SET, set.name()));
    }

    /** The number that answers {@link #generation}. */
    public static OptionalInt generation(NetlinkReply reply) {
        return is(reply, NEWGEN) ? reply.attributes(NFGENMSG_LENGTH).be32(NFTA_GEN_ID) : OptionalInt.empty();
    }

    /** The table that a message tells of; empty if it tells of something else. */
    public static Optional<KernelTable> table(NetlinkReply reply) {
        return is(reply, NEWTABLE)
                ? family(reply).map(family -> KernelTable.read(family, reply.attributes(NFGENMSG_LENGTH)))
                : Optional.empty();
    }

    /**
     * The number of things in the table that a message tells of ({@code NFTA_TABLE_USE}): of its chains, sets, objects
     * and flow tables together, but without anonymous sets, which are counted only until a rule has them; empty if it
     * does not tell.
     */
    public static OptionalInt use(NetlinkReply reply) {
        return is(reply, NEWTABLE) ? reply.attributes(NFGENMSG_LENGTH).be32(NFTA_TABLE_USE) : OptionalInt.empty();
    }

    /** The chain that a message tells of; empty if it tells of something else. */
    public static Optional<KernelChain> chain(NetlinkReply reply) {
        return is(reply, NEWCHAIN)
                ? family(reply).map(family -> KernelChain.read(family, reply.attributes(NFGENMSG_LENGTH)))
                : Optional.empty();
    }

    /** The rule that a message tells of; empty if it tells of something else. */
    public static Optional<KernelRule> rule(NetlinkReply reply) {
        return is(reply, NEWRULE)
                ? family(reply).map(family -> KernelRule.read(family, reply.attributes(NFGENMSG_LENGTH)))
                : Optional.empty();
    }

    /** The set that a message tells of; empty if it tells of something else. */
    public static Optional<KernelSet> set(NetlinkReply reply) {
        return is(reply, NEWSET)
                ? family(reply).map(family -> KernelSet.read(family, reply.attributes(NFGENMSG_LENGTH)))
                : Optional.empty();
    }

    /** The elements that a message tells of; none if it tells of something else. */
    public static List<SetElement> elements(NetlinkReply reply) {
        return is(reply, NEWSETELEM)
                ? reply.attributes(NFGENMSG_LENGTH).nested(NFTA_SET_ELEM_LIST_ELEMENTS).all().stream()
                        .map(element -> SetElement.read(element.value()))
                        .toList()
                : List.of();
    }

    /** The object or flow table that a message tells of; empty if it tells of something else. */
    public static Optional<KernelObject> object(NetlinkReply reply) {
        if (is(reply, NEWOBJ)) {
            return object(reply, KernelObject.Kind.OBJECT);
        }
        return is(reply, NEWFLOWTABLE) ? object(reply, KernelObject.Kind.FLOWTABLE) : Optional.empty();
    }

    private static List<NetlinkMessage> messages(int type, int flags, KernelSet set, List<SetElement> elements) {
        List<NetlinkMessage> messages = new ArrayList<>();
        for (int from = 0; from < elements.size(); from += ELEMENTS_PER_MESSAGE) {
            List<SetElement> part = elements.subList(from, Math.min(elements.size(), from + ELEMENTS_PER_MESSAGE));
            messages.add(message(type, flags, set.family()).attributes(a -> {
                a.string(NFTA_TABLE, set.table()).string(NFTA_SET_ELEM_LIST_SET, set.name());
                if (set.id() != 0 || type == NEWSETELEM) {
                    a.be32(NFTA_SET_ELEM_LIST_SET_ID, set.id());
                }
                a.nested(NFTA_SET_ELEM_LIST_ELEMENTS, list -> part.forEach(element -> element.write(list)));
            }));
        }
        return messages;
    }

    private static Optional<KernelObject> object(NetlinkReply reply, KernelObject.Kind kind) {
        return family(reply).map(family -> KernelObject.read(family, kind, reply.attributes(NFGENMSG_LENGTH)));
    }

    private static NetlinkMessage message(int type, int flags, NfProto family) {
        return new NetlinkMessage(SUBSYSTEM << 8 | type, flags).bytes(family.number(), 0, 0, 0);
    }

    private static boolean is(NetlinkReply reply, int type) {
        return reply.type() == (SUBSYSTEM << 8 | type);
    }

    private static Optional<NfProto> family(NetlinkReply reply) {
        return reply.body().length() == 0
                ? Optional.empty()
                : NfProto.of(Byte.toUnsignedInt(reply.body().buffer().get()));
    }
}
