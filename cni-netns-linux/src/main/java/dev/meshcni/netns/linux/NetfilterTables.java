package dev.meshcni.netns.linux;

import dev.meshcni.core.OneLine;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.core.spi.UnreadableRulesException;
import dev.meshcni.rules.IpFamily;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The netfilter tables of the network namespace of the thread that makes this, without starting a process: which there are, and
 * taking some of them out. The namespace of a new pod has none, and then there is nothing to read before its rules are written.
 *
 * <p>For one thread; only {@link #closeInBackground} is for another one.
 */
final class NetfilterTables implements AutoCloseable {
    private static final int NFNL_SUBSYS_NFTABLES = 10;
    private static final int NFNL_MSG_BATCH_BEGIN = 16;
    private static final int NFNL_MSG_BATCH_END = 17;
    private static final int NFNL_BATCH_GENID = 1;
    private static final int NFT_MSG_GETTABLE = 1;
    private static final int NFT_MSG_DELTABLE = 2;
    private static final int NFT_MSG_GETCHAIN = 4;
    private static final int NFT_MSG_GETGEN = 16;
    private static final int NFTA_TABLE_NAME = 1;
    private static final int NFTA_CHAIN_NAME = 3;
    private static final int NFTA_GEN_ID = 1;

    private final Optional<NetlinkSocket> socket;
    private boolean deleted;

    NetfilterTables() {
        this.socket = open();
    }

    /**
     * Tables of nf_tables, which {@code nft} and the nf_tables variant of {@code iptables} make; empty also where the
     * kernel has no nf_tables.
     */
    Set<String> ofNft(IpFamily family) {
        Set<String> names = new LinkedHashSet<>();
        try {
            NetlinkMessage request =
                    message(NFT_MSG_GETTABLE, NetlinkMessage.DUMP).bytes(Rtnetlink.number(family), 0, 0, 0);
            for (ByteBuffer body : socket.map(open -> open.dump(request)).orElse(List.of())) {
                ByteBuffer name = NetlinkMessage.attributes(body.position(4)).get(NFTA_TABLE_NAME);
                names.add(StandardCharsets.UTF_8
                        .decode(name.slice(0, name.remaining() - 1))
                        .toString());
            }
        } catch (UnreadableRulesException e) {
            throw e;
        } catch (RedirectException _) {
            // No nf_tables in this kernel: then no tables of this kind either.
            return Set.of();
        }
        return names;
    }

    /**
     * Sees to it that what {@code iptables-save} prints means what it says: to the kernel the name of a chain may be any bytes, line ends and
     * whole rules among them, and {@code iptables-save} prints it as it is.
     *
     * @throws UnreadableRulesException if there is a chain whose name {@code iptables} would not take
     */
    void requirePlainNamesOfNft(IpFamily family) {
        NetlinkMessage request =
                message(NFT_MSG_GETCHAIN, NetlinkMessage.DUMP).bytes(Rtnetlink.number(family), 0, 0, 0);
        for (ByteBuffer body : socket.map(open -> open.dump(request)).orElse(List.of())) {
            ByteBuffer name = NetlinkMessage.attributes(body.position(4)).get(NFTA_CHAIN_NAME);
            for (int i = name.position(); i < name.limit() - 1; i++) {
                if (name.get(i) <= ' ' || name.get(i) >= 127 || name.get(i) == '"') {
                    throw new UnreadableRulesException("the pod's " + family.label()
                            + " tables contain a chain with a name that is not valid for iptables: "
                            + OneLine.of(StandardCharsets.ISO_8859_1
                                    .decode(name.duplicate().limit(name.limit() - 1))
                                    .toString()));
                }
            }
        }
    }

    /** Tables of the legacy variant. Not below {@code /proc/net}: that is the namespace of the process's first thread. */
    Set<String> ofLegacy(IpFamily family) {
        String file = switch (family) {
            case IPV4 -> "ip_tables_names";
            case IPV6 -> "ip6_tables_names";
        };
        try {
            return Set.copyOf(Files.readAllLines(Path.of("/proc/thread-self/net", file)));
        } catch (NoSuchFileException _) {
            return Set.of();
        } catch (IOException e) {
            throw new RedirectException("reading " + file + " of the network namespace failed: " + e.getMessage(), e);
        }
    }

    /** The number of nf_tables' state, which every change raises; empty where the kernel has no nf_tables. */
    OptionalInt generation() {
        try {
            NetlinkMessage request = message(NFT_MSG_GETGEN, 0).bytes(0, 0, 0, 0);
            return socket.map(open -> open.ask(request)).stream()
                    .map(answer -> NetlinkMessage.attributes(answer.position(4)).get(NFTA_GEN_ID))
                    .mapToInt(number -> number.order(ByteOrder.BIG_ENDIAN).getInt(number.position()))
                    .findFirst();
        } catch (RedirectException _) {
            // No nf_tables in this kernel.
            return OptionalInt.empty();
        }
    }

    /**
     * Takes tables of nf_tables out, with all that is in them: all or none, and only if nothing has changed since a generation.
     *
     * @return whether that was done
     */
    boolean deleteOfNft(IpFamily family, Collection<String> tables, int generation) {
        List<NetlinkMessage> batch = new ArrayList<>();
        batch.add(new NetlinkMessage(NFNL_MSG_BATCH_BEGIN, 0)
                .bytes(0, 0, 0, NFNL_SUBSYS_NFTABLES)
                .attribute(
                        NFNL_BATCH_GENID,
                        ByteBuffer.allocate(Integer.BYTES).putInt(generation).array()));
        for (String table : tables) {
            batch.add(message(NFT_MSG_DELTABLE, NetlinkMessage.ACK)
                    .bytes(Rtnetlink.number(family), 0, 0, 0)
                    .attribute(NFTA_TABLE_NAME, (table + '\0').getBytes(StandardCharsets.US_ASCII)));
        }
        batch.add(new NetlinkMessage(NFNL_MSG_BATCH_END, 0).bytes(0, 0, 0, NFNL_SUBSYS_NFTABLES));
        boolean done = socket.orElseThrow().executeAll(batch, tables.size());
        deleted |= done;
        return done;
    }

    /**
     * Closes it, and lets nobody wait for it after a deletion: the kernel closes such a socket once no packet can be in what was
     * deleted, which takes it more than ten milliseconds. The thread for that is started by the calling one, and is in its namespace.
     */
    void closeInBackground() {
        if (deleted) {
            Thread.ofPlatform().daemon().name("netfilter-close").start(this::close);
        } else {
            close();
        }
    }

    @Override
    public void close() {
        socket.ifPresent(NetlinkSocket::close);
    }

    private static Optional<NetlinkSocket> open() {
        try {
            return Optional.of(new NetlinkSocket(NetlinkSocket.NETFILTER));
        } catch (RedirectException _) {
            // No netfilter netlink in this kernel.
            return Optional.empty();
        }
    }

    private static NetlinkMessage message(int type, int flags) {
        return new NetlinkMessage(NFNL_SUBSYS_NFTABLES << 8 | type, flags);
    }
}
