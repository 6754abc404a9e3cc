package dev.meshcni.netns.linux;

import dev.meshcni.core.IpFamily;
import dev.meshcni.core.RedirectException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Names of the netfilter tables that exist in the network namespace of the calling thread, found without starting a
 * process. The namespace of a new pod has none, and then there is nothing to read before its rules are written.
 */
final class TablesPresent {
    private static final int NFNL_SUBSYS_NFTABLES = 10;
    private static final int NFT_MSG_GETTABLE = 1;
    private static final int NFTA_TABLE_NAME = 1;

    private TablesPresent() {}

    /**
     * Tables of nf_tables, which {@code nft} and the nf_tables variant of {@code iptables} make; empty also where the
     * kernel has no nf_tables.
     */
    static Set<String> ofNft(IpFamily family) {
        Set<String> names = new LinkedHashSet<>();
        try (NetlinkSocket socket = new NetlinkSocket(NetlinkSocket.NETFILTER)) {
            NetlinkMessage request = new NetlinkMessage(
                            NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, NetlinkMessage.DUMP)
                    .bytes(Rtnetlink.number(family), 0, 0, 0);
            for (ByteBuffer body : socket.dump(request)) {
                ByteBuffer name = NetlinkMessage.attributes(body.position(4)).get(NFTA_TABLE_NAME);
                names.add(StandardCharsets.UTF_8
                        .decode(name.slice(0, name.remaining() - 1))
                        .toString());
            }
        } catch (RedirectException _) {
            // No netfilter netlink in this kernel: then no tables of this kind either.
            return Set.of();
        }
        return names;
    }

    /** Tables of the legacy variant. Not below {@code /proc/net}: that is the namespace of the process's first thread. */
    static Set<String> ofLegacy(IpFamily family) {
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
}
