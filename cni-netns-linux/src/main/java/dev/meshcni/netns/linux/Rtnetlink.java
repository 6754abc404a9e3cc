// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.libc.LibC;
import dev.meshcni.libc.NetlinkSocket;
import dev.meshcni.netlink.Attributes;
import dev.meshcni.netlink.NetlinkMessage;
import dev.meshcni.netlink.NetlinkReply;
import dev.meshcni.netlink.Octets;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Mark;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Addresses, routing rules and routes of the network namespace that the calling thread is in ({@code rtnetlink(7)}).
 *
 * <p>What is listed is kept for as long as nothing is changed here: a stay in a namespace is short, and each list is
 * asked for by several steps.
 *
 * <p>Not {@link java.net.NetworkInterface}: its IPv6 half reads {@code /proc/net}, which shows the namespace of the
 * process's first thread, not of the caller. And not {@code ip(8)}: a process each.
 */
final class Rtnetlink implements AutoCloseable {
    /** The loopback interface is the first of every network namespace. */
    private static final int LOOPBACK_INDEX = 1;

    private static final int RTM_NEWLINK = 16;
    private static final int RTM_GETLINK = 18;
    private static final int RTM_NEWADDR = 20;
    private static final int RTM_DELADDR = 21;
    private static final int RTM_GETADDR = 22;
    private static final int RTM_NEWROUTE = 24;
    private static final int RTM_DELROUTE = 25;
    private static final int RTM_GETROUTE = 26;
    private static final int RTM_NEWRULE = 32;
    private static final int RTM_DELRULE = 33;
    private static final int RTM_GETRULE = 34;

    private static final int IFF_UP = 1;
    private static final int IFA_ADDRESS = 1;
    private static final int IFA_LOCAL = 2;

    /** The address is usable at once: without it, one that was added while lo was down is tentative for a moment. */
    private static final int IFA_F_NODAD = 0x02;

    private static final int RTA_OIF = 4;
    private static final int RTA_TABLE = 15;
    private static final int RTN_LOCAL = 2;
    private static final int RTPROT_BOOT = 3;
    private static final int RT_SCOPE_UNIVERSE = 0;
    private static final int RT_SCOPE_HOST = 254;
    private static final int FRA_PRIORITY = 6;
    private static final int FRA_FWMARK = 10;
    private static final int FRA_TABLE = 15;
    private static final int FRA_FWMASK = 16;
    private static final int FR_ACT_TO_TBL = 1;
    private static final int RT_TABLE_UNSPEC = 0;

    private static final int EEXIST = 17;

    /** {@code AF_UNSPEC}: all families are listed at once. */
    private static final int ALL_FAMILIES = 0;

    private final NetlinkSocket socket = new NetlinkSocket(NetlinkSocket.ROUTE);

    /** An address of an interface. */
    record InterfaceAddress(int index, InetAddress address) {
        boolean loopback() {
            return index == LOOPBACK_INDEX;
        }
    }

    /**
     * A rule that looks packets with a mark up in a table.
     *
     * @param priority its place among the rules; 0 lets the kernel choose
     */
    record MarkRule(Mark mark, int table, int priority) {
        /** A rule for a mark of which all bits are compared. */
        MarkRule(int mark, int table, int priority) {
            this(Mark.whole(mark), table, priority);
        }
    }

    /** A rule of any kind that looks packets up in a table. */
    private record TableRule(int family, int table, int priority, Optional<Mark> mark) {}

    /** A route that delivers every packet locally, through the loopback interface. */
    private record LocalRoute(int family, int table) {}

    private Optional<List<InterfaceAddress>> addresses = Optional.empty();
    private Optional<List<TableRule>> rules = Optional.empty();
    private Optional<List<LocalRoute>> routes = Optional.empty();

    /** The kernel's number of the namespace; 0 where it has none. */
    long namespaceCookie() {
        return socket.namespaceCookie();
    }

    /** All addresses, in the order in which the kernel lists them: IPv4 before IPv6, by interface. */
    List<InterfaceAddress> addresses() {
        if (addresses.isEmpty()) {
            addresses = Optional.of(listAddresses());
        }
        return addresses.get();
    }

    private List<InterfaceAddress> listAddresses() {
        List<InterfaceAddress> listed = new ArrayList<>();
        for (NetlinkReply reply : socket.dump(new NetlinkMessage(RTM_GETADDR, NetlinkMessage.DUMP)
                .bytes(0, 0, 0, 0)
                .number(0))) {
            int index = reply.body().buffer().getInt(4);
            Attributes attributes = reply.attributes(8);
            // On a point-to-point link IFA_ADDRESS is the other end, and IFA_LOCAL ours.
            attributes
                    .bytes(IFA_LOCAL)
                    .or(() -> attributes.bytes(IFA_ADDRESS))
                    .ifPresent(value -> listed.add(new InterfaceAddress(index, address(value))));
        }
        return listed;
    }

    /** The addresses by which others reach the pod: not those of loopback, and none that is link-local. */
    List<InetAddress> podAddresses() {
        return addresses().stream()
                .filter(found -> !found.loopback())
                .map(InterfaceAddress::address)
                .filter(address -> !address.isLinkLocalAddress())
                .toList();
    }

    /** Returns whether the loopback interface has an address. */
    boolean hasLocalAddress(Cidr host) {
        return addresses().stream()
                .anyMatch(a -> a.loopback() && Cidr.host(a.address()).equals(host));
    }

    void addLocalAddress(Cidr host) {
        NetlinkMessage request =
                localAddress(RTM_NEWADDR, NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.EXCL, host);
        execute(request, "adding the address " + host + " to the loopback interface");
    }

    void deleteLocalAddress(Cidr host) {
        execute(
                localAddress(RTM_DELADDR, NetlinkMessage.ACK, host),
                "deleting the address " + host + " from the loopback interface");
    }

    boolean loopbackUp() {
        return (flags() & IFF_UP) != 0;
    }

    void setLoopbackUp(boolean up) {
        execute(
                new NetlinkMessage(RTM_NEWLINK, NetlinkMessage.ACK)
                        .bytes(0, 0, 0, 0)
                        .number(LOOPBACK_INDEX)
                        .number(up ? IFF_UP : 0)
                        .number(IFF_UP),
                "setting the loopback interface " + (up ? "up" : "down"));
    }

    /** The rules that send packets with a mark to a table, in their order. */
    List<MarkRule> markRules(IpFamily family) {
        List<MarkRule> found = new ArrayList<>();
        for (TableRule rule : tableRules()) {
            if (rule.family() == number(family)) {
                rule.mark().ifPresent(mark -> found.add(new MarkRule(mark, rule.table(), rule.priority())));
            }
        }
        return found;
    }

    /** The number of rules, with a mark or without, that send packets to a table. */
    int rulesTo(IpFamily family, int table) {
        return (int) tableRules().stream()
                .filter(rule -> rule.family() == number(family) && rule.table() == table)
                .count();
    }

    private List<TableRule> tableRules() {
        if (rules.isEmpty()) {
            rules = Optional.of(listRules());
        }
        return rules.get();
    }

    private List<TableRule> listRules() {
        List<TableRule> listed = new ArrayList<>();
        for (NetlinkReply reply : socket.dump(new NetlinkMessage(RTM_GETRULE, NetlinkMessage.DUMP)
                .bytes(ALL_FAMILIES, 0, 0, 0, 0, 0, 0, 0)
                .number(0))) {
            ByteBuffer body = reply.body().buffer();
            int action = Byte.toUnsignedInt(body.get(7));
            int shortTable = Byte.toUnsignedInt(body.get(4));
            if (action == FR_ACT_TO_TBL) {
                Attributes attributes = reply.attributes(12);
                listed.add(new TableRule(
                        Byte.toUnsignedInt(body.get(0)),
                        attributes.u32(FRA_TABLE).orElse(shortTable),
                        attributes.u32(FRA_PRIORITY).orElse(0),
                        mark(attributes)));
            }
        }
        return listed;
    }

    /** The kernel takes a mask of 0 and bits beyond a mask; no rule of ours has them. */
    private static Optional<Mark> mark(Attributes attributes) {
        int value = attributes.u32(FRA_FWMARK).orElse(0);
        int mask = attributes.u32(FRA_FWMASK).orElse(Mark.ALL);
        return attributes.has(FRA_FWMARK) && mask != 0 && (value & ~mask) == 0
                ? Optional.of(new Mark(value, mask))
                : Optional.empty();
    }

    void addMarkRule(IpFamily family, MarkRule rule) {
        execute(
                markRule(RTM_NEWRULE, NetlinkMessage.ACK | NetlinkMessage.CREATE, family, rule),
                "adding the " + family.label() + " rule for mark " + rule.mark());
    }

    void deleteMarkRule(IpFamily family, MarkRule rule) {
        execute(
                markRule(RTM_DELRULE, NetlinkMessage.ACK, family, rule),
                "deleting the " + family.label() + " rule for mark " + rule.mark());
    }

    /** Returns whether a table has a route that delivers every packet locally, through the loopback interface. */
    boolean hasLocalRoute(IpFamily family, int table) {
        if (routes.isEmpty()) {
            routes = Optional.of(listRoutes());
        }
        return routes.get().contains(new LocalRoute(number(family), table));
    }

    private List<LocalRoute> listRoutes() {
        List<LocalRoute> listed = new ArrayList<>();
        for (NetlinkReply reply : socket.dump(new NetlinkMessage(RTM_GETROUTE, NetlinkMessage.DUMP)
                .bytes(ALL_FAMILIES, 0, 0, 0, 0, 0, 0, 0)
                .number(0))) {
            ByteBuffer body = reply.body().buffer();
            int prefix = Byte.toUnsignedInt(body.get(1));
            int shortTable = Byte.toUnsignedInt(body.get(4));
            int type = Byte.toUnsignedInt(body.get(7));
            if (type == RTN_LOCAL && prefix == 0) {
                Attributes attributes = reply.attributes(12);
                if (attributes.u32(RTA_OIF).orElse(0) == LOOPBACK_INDEX) {
                    listed.add(new LocalRoute(
                            Byte.toUnsignedInt(body.get(0)),
                            attributes.u32(RTA_TABLE).orElse(shortTable)));
                }
            }
        }
        return listed;
    }

    void addLocalRoute(IpFamily family, int table) {
        NetlinkMessage request = localRoute(
                RTM_NEWROUTE, NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.EXCL, family, table);
        execute(request, "adding the " + family.label() + " local route to table " + table);
    }

    void deleteLocalRoute(IpFamily family, int table) {
        execute(
                localRoute(RTM_DELROUTE, NetlinkMessage.ACK, family, table),
                "deleting the " + family.label() + " local route from table " + table);
    }

    @Override
    public void close() {
        socket.close();
    }

    private void execute(NetlinkMessage request, String what) {
        addresses = Optional.empty();
        rules = Optional.empty();
        routes = Optional.empty();
        int errno = socket.execute(request);
        if (errno != 0 && errno != EEXIST) {
            throw LibC.failure(what, errno);
        }
    }

    /** {@code struct ifaddrmsg}: family, prefix length, flags, scope, interface. */
    private static NetlinkMessage localAddress(int type, int flags, Cidr host) {
        byte[] address = host.address().getAddress();
        return new NetlinkMessage(type, flags)
                .bytes(number(host.family()), host.prefixLength(), IFA_F_NODAD, RT_SCOPE_UNIVERSE)
                .number(LOOPBACK_INDEX)
                .attribute(IFA_LOCAL, address)
                .attribute(IFA_ADDRESS, address);
    }

    /** {@code struct fib_rule_hdr}: family, two lengths, TOS, table, two reserved, action, flags. */
    private static NetlinkMessage markRule(int type, int flags, IpFamily family, MarkRule rule) {
        NetlinkMessage message = new NetlinkMessage(type, flags)
                .bytes(number(family), 0, 0, 0, RT_TABLE_UNSPEC, 0, 0, FR_ACT_TO_TBL)
                .number(0)
                .attribute(FRA_FWMARK, rule.mark().value())
                .attribute(FRA_FWMASK, rule.mark().mask())
                .attribute(FRA_TABLE, rule.table());
        return rule.priority() == 0 ? message : message.attribute(FRA_PRIORITY, rule.priority());
    }

    /** {@code struct rtmsg}: family, two lengths, TOS, table, protocol, scope, type, flags. */
    private static NetlinkMessage localRoute(int type, int flags, IpFamily family, int table) {
        int scope = family == IpFamily.IPV4 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
        return new NetlinkMessage(type, flags)
                .bytes(number(family), 0, 0, 0, RT_TABLE_UNSPEC, RTPROT_BOOT, scope, RTN_LOCAL)
                .number(0)
                .attribute(RTA_OIF, LOOPBACK_INDEX)
                .attribute(RTA_TABLE, table);
    }

    private int flags() {
        List<NetlinkReply> links = socket.dump(new NetlinkMessage(RTM_GETLINK, NetlinkMessage.DUMP)
                .bytes(0, 0, 0, 0)
                .number(0)
                .number(0)
                .number(0));
        return links.stream()
                .map(link -> link.body().buffer())
                .filter(link -> link.getInt(4) == LOOPBACK_INDEX)
                .mapToInt(link -> link.getInt(8))
                .findFirst()
                .orElse(0);
    }

    /** {@code AF_INET} or {@code AF_INET6}. */
    static int number(IpFamily family) {
        return switch (family) {
            case IPV4 -> 2;
            case IPV6 -> 10;
        };
    }

    private static InetAddress address(Octets value) {
        try {
            return InetAddress.getByAddress(value.bytes());
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address has 4 or 16 bytes", e);
        }
    }
}
