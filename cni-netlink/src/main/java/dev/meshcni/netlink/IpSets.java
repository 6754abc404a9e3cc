// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import dev.meshcni.netlink.Attributes.Attribute;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The messages of ip_set ({@code linux/netfilter/ipset/ip_set.h}), for sets of addresses with comments
 * ({@code hash:ip}, {@link IpSet}). Each message is one change; there are no transactions, but {@link #swap}.
 */
public final class IpSets {
    /** {@code ENOENT}: there is no set of that name. */
    public static final int NO_SET = 2;

    /** {@code IPSET_ERR_EXIST}: the entry that is to be deleted is not there. */
    public static final int NO_ENTRY = 4103;

    private static final int SUBSYSTEM = 6;
    private static final int CREATE = 2;
    private static final int DESTROY = 3;
    private static final int SWAP = 6;
    private static final int LIST = 7;
    private static final int ADD = 9;
    private static final int DEL = 10;

    private static final int IPSET_ATTR_PROTOCOL = 1;
    private static final int IPSET_ATTR_SETNAME = 2;
    private static final int IPSET_ATTR_TYPENAME = 3;
    private static final int IPSET_ATTR_SETNAME2 = 3;
    private static final int IPSET_ATTR_REVISION = 4;
    private static final int IPSET_ATTR_FAMILY = 5;
    private static final int IPSET_ATTR_DATA = 7;
    private static final int IPSET_ATTR_ADT = 8;
    private static final int IPSET_ATTR_IP = 1;
    private static final int IPSET_ATTR_CADT_FLAGS = 8;
    private static final int IPSET_ATTR_COMMENT = 26;
    private static final int IPSET_ATTR_IPADDR_IPV4 = 1;
    private static final int IPSET_ATTR_IPADDR_IPV6 = 2;

    /** {@code NLA_F_NET_BYTEORDER}, without which ip_set takes no number or address. */
    private static final int NET_BYTEORDER = 0x4000;

    /** {@code IPSET_PROTOCOL_MIN}: all kernels speak it. */
    private static final byte PROTOCOL = 6;

    /** The first revision of {@code hash:ip} with comments (Linux 3.13). */
    private static final byte REVISION = 2;

    private static final int IPSET_FLAG_WITH_COMMENT = 1 << 4;
    private static final int NFGENMSG_LENGTH = 4;

    private IpSets() {}

    /** {@code IPSET_CMD_CREATE}: makes a set; fails if there is one of the name. */
    public static NetlinkMessage create(IpSet set) {
        return change(CREATE, NetlinkMessage.CREATE | NetlinkMessage.EXCL, set.family())
                .attributes(a -> a.string(IPSET_ATTR_SETNAME, set.name())
                        .string(IPSET_ATTR_TYPENAME, set.type())
                        .bytes(IPSET_ATTR_REVISION, new byte[] {REVISION})
                        .bytes(
                                IPSET_ATTR_FAMILY,
                                new byte[] {(byte) set.family().number()})
                        .nested(
                                IPSET_ATTR_DATA,
                                data -> data.be32(
                                        IPSET_ATTR_CADT_FLAGS | NET_BYTEORDER,
                                        set.comments() ? IPSET_FLAG_WITH_COMMENT : 0)));
    }

    /** {@code IPSET_CMD_DESTROY}: deletes a set that no rule refers to. */
    public static NetlinkMessage destroy(String name) {
        return change(DESTROY, 0, NfProto.IPV4).attributes(a -> a.string(IPSET_ATTR_SETNAME, name));
    }

    /**
     * {@code IPSET_CMD_SWAP}: exchanges the contents of two sets of one type and family in one step, so that rules see
     * either all of the one or all of the other.
     */
    public static NetlinkMessage swap(String name, String other) {
        return change(SWAP, 0, NfProto.IPV4)
                .attributes(a -> a.string(IPSET_ATTR_SETNAME, name).string(IPSET_ATTR_SETNAME2, other));
    }

    /** {@code IPSET_CMD_ADD}: puts an address into a set, or gives the one that is there another comment. */
    public static NetlinkMessage add(IpSet set, Octets address, String comment) {
        byte[] text = (comment + '\0').getBytes(StandardCharsets.UTF_8);
        return change(ADD, 0, set.family())
                .attributes(a -> a.string(IPSET_ATTR_SETNAME, set.name())
                        .nested(
                                IPSET_ATTR_DATA,
                                data -> address(data, set.family(), address).bytes(IPSET_ATTR_COMMENT, text)));
    }

    /** {@code IPSET_CMD_DEL}: takes an address out of a set; fails if it is not there. */
    public static NetlinkMessage delete(IpSet set, Octets address) {
        return change(DEL, NetlinkMessage.EXCL, set.family())
                .attributes(a -> a.string(IPSET_ATTR_SETNAME, set.name())
                        .nested(IPSET_ATTR_DATA, data -> address(data, set.family(), address)));
    }

    /** {@code IPSET_CMD_LIST}: asks for a set with its entries. */
    public static NetlinkMessage list(String name) {
        return list().attributes(a -> a.string(IPSET_ATTR_SETNAME, name));
    }

    /** {@code IPSET_CMD_LIST}: asks for all sets with their entries. */
    public static NetlinkMessage list() {
        return message(LIST, NetlinkMessage.DUMP, NfProto.IPV4);
    }

    /** The sets that are listed, and the comment of each of their addresses; it is empty where there is none. */
    public static Map<IpSet, Map<Octets, String>> sets(List<NetlinkReply> replies) {
        Map<String, IpSet> heads = new LinkedHashMap<>();
        Map<IpSet, Map<Octets, String>> sets = new LinkedHashMap<>();
        for (NetlinkReply reply : replies) {
            if (reply.type() >> 8 != SUBSYSTEM) {
                continue;
            }
            Attributes attributes = reply.attributes(NFGENMSG_LENGTH);
            String name = attributes.string(IPSET_ATTR_SETNAME);
            // A long list of entries goes on in messages that tell no more than the name.
            IpSet set = attributes.has(IPSET_ATTR_TYPENAME) || !heads.containsKey(name)
                    ? head(name, attributes)
                    : heads.get(name);
            heads.put(name, set);
            Map<Octets, String> entries = sets.computeIfAbsent(set, _ -> new LinkedHashMap<>());
            for (Attribute entry : attributes.nested(IPSET_ATTR_ADT).all()) {
                Attributes data = Attributes.parse(entry.value());
                addressOf(data).ifPresent(address -> entries.put(address, comment(data)));
            }
        }
        return sets;
    }

    private static IpSet head(String name, Attributes attributes) {
        int flags =
                attributes.nested(IPSET_ATTR_DATA).be32(IPSET_ATTR_CADT_FLAGS).orElse(0);
        NfProto family = attributes
                .bytes(IPSET_ATTR_FAMILY)
                .filter(value -> value.length() == 1)
                .flatMap(value -> NfProto.of(value.bytes()[0]))
                .orElse(NfProto.UNSPEC);
        return new IpSet(name, attributes.string(IPSET_ATTR_TYPENAME), family, (flags & IPSET_FLAG_WITH_COMMENT) != 0);
    }

    private static Optional<Octets> addressOf(Attributes entry) {
        Attributes address = entry.nested(IPSET_ATTR_IP);
        return address.bytes(IPSET_ATTR_IPADDR_IPV4).or(() -> address.bytes(IPSET_ATTR_IPADDR_IPV6));
    }

    private static String comment(Attributes entry) {
        byte[] text = entry.string(IPSET_ATTR_COMMENT).getBytes(StandardCharsets.ISO_8859_1);
        return new String(text, StandardCharsets.UTF_8);
    }

    private static AttributeWriter address(AttributeWriter data, NfProto family, Octets address) {
        int type = family == NfProto.IPV6 ? IPSET_ATTR_IPADDR_IPV6 : IPSET_ATTR_IPADDR_IPV4;
        return data.nested(IPSET_ATTR_IP, ip -> ip.bytes(type | NET_BYTEORDER, address));
    }

    private static NetlinkMessage change(int command, int flags, NfProto family) {
        return message(command, NetlinkMessage.ACK | flags, family);
    }

    private static NetlinkMessage message(int command, int flags, NfProto family) {
        return new NetlinkMessage(SUBSYSTEM << 8 | command, flags)
                .bytes(family.number(), 0, 0, 0)
                .attributes(a -> a.bytes(IPSET_ATTR_PROTOCOL, new byte[] {PROTOCOL}));
    }
}
