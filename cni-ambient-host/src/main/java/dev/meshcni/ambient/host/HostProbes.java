// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import static java.util.Objects.requireNonNull;

import dev.meshcni.ambient.ProbeSet;
import dev.meshcni.api.IpNet;
import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.netlink.SetElement;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * The exemption of the kubelet's probes on a host: a set of the addresses of enrolled pods, each with its pod's UID,
 * and rules that give a source address of their own to TCP connections which a process of the host opens to one of
 * them. What the host forwards keeps its source address.
 *
 * <p>All of it is in the host's network namespace, in tables or sets of its own; those of others are never touched.
 * Where the kernel has nf_tables everything is done by netlink, in transactions; elsewhere by ip_set and the legacy
 * variant of iptables. A failure is a {@link RedirectException}. For any thread.
 */
public final class HostProbes implements ProbeSet, AutoCloseable {
    /** The network namespace of this process. */
    public static final Path OWN_NETNS = Path.of("/proc/thread-self/ns/net");

    private final HostKernel kernel;
    private final Exemptions exemptions;
    private final Map<IpFamily, Cidr> sources;

    private HostProbes(HostKernel kernel, Exemptions exemptions, Map<IpFamily, Cidr> sources) {
        this.kernel = kernel;
        this.exemptions = exemptions;
        this.sources = Map.copyOf(sources);
    }

    /**
     * The exemptions of a host, in the way that its kernel allows. Changes nothing yet.
     *
     * @param hostNetns the host's network namespace: {@link #OWN_NETNS}, or a path such as {@code /host/proc/1/ns/net}
     * @param sources the source address that probes get, by family; a family that is absent is switched off
     * @throws NetnsException if there is no such network namespace
     * @throws RedirectException if the kernel allows neither way; the message names the causes
     */
    public static HostProbes detect(Path hostNetns, Map<IpFamily, Cidr> sources) {
        return detect(hostNetns, sources, NftExemptions::check);
    }

    /** The same with another trial of nf_tables, which throws if it cannot be used. */
    static HostProbes detect(Path hostNetns, Map<IpFamily, Cidr> sources, Consumer<NftExemptions> trial) {
        if (sources.isEmpty()) {
            throw new IllegalArgumentException("sources is empty: no family is switched on");
        }
        HostKernel kernel = new HostKernel(hostNetns);
        try {
            return new HostProbes(kernel, choose(kernel, sources, trial), sources);
        } catch (RedirectException e) {
            kernel.close();
            throw e;
        }
    }

    /** The way in which probes are exempt, and for which families, for the log. */
    public String describe() {
        return exemptions.description() + ", "
                + sources.entrySet().stream()
                        .sorted(Map.Entry.comparingByKey())
                        .map(entry -> Families.label(entry.getKey()) + " from "
                                + IpNet.text(entry.getValue().address()))
                        .collect(Collectors.joining(", "));
    }

    @Override
    public boolean covers(InetAddress address) {
        return sources.containsKey(Families.of(address));
    }

    @Override
    public synchronized Optional<String> owner(InetAddress address) {
        return Optional.ofNullable(exemptions.entries().get(address));
    }

    @Override
    public synchronized Map<InetAddress, String> entries() {
        return Map.copyOf(exemptions.entries());
    }

    /** {@inheritDoc} If there is no set, it is made, and the rules that go by it. */
    @Override
    public synchronized void put(InetAddress address, String uid) {
        if (!covers(address)) {
            throw new RedirectException("no probes are exempt for " + IpNet.text(address) + ": "
                    + Families.label(Families.of(address)) + " is off");
        }
        exemptions.put(address, requireUid(uid));
    }

    @Override
    public synchronized void remove(InetAddress address, String uid) {
        if (covers(address)) {
            exemptions.remove(address, requireUid(uid));
        }
    }

    /**
     * Compares the host with what it should be.
     *
     * @param wanted the UID of the pod for each address; those of a family that is switched off are left out
     * @return what {@link #restore} would change, a line each
     */
    @Override
    public synchronized List<String> differences(Map<InetAddress, String> wanted) {
        List<String> differences = new ArrayList<>(exemptions.objections());
        Map<InetAddress, String> found = exemptions.entries();
        Map<InetAddress, String> covered = covered(wanted);
        covered.forEach((address, uid) -> {
            String owner = found.get(address);
            if (owner == null) {
                differences.add("entry " + IpNet.text(address) + " of UID " + uid + " is missing");
            } else if (!owner.equals(uid)) {
                differences.add("entry " + IpNet.text(address) + " belongs to UID " + owner + " instead of " + uid);
            }
        });
        found.forEach((address, uid) -> {
            if (!covered.containsKey(address)) {
                differences.add("entry " + IpNet.text(address) + " of UID " + uid + " is not wanted");
            }
        });
        return List.copyOf(differences);
    }

    /**
     * Makes the host what it should be: set and rules, at no moment without an entry that is wanted and was there. What
     * is so already is not touched.
     *
     * @param wanted the UID of the pod for each address; those of a family that is switched off are left out
     */
    @Override
    public synchronized void restore(Map<InetAddress, String> wanted) {
        Map<InetAddress, String> covered = covered(wanted);
        covered.values().forEach(HostProbes::requireUid);
        exemptions.restore(covered);
    }

    /** Exemptions that somebody else has made on this host, such as Istio's node agent; they are left alone. */
    public synchronized List<String> others() {
        return exemptions.others();
    }

    /** Takes everything of ours out of the host; nothing happens where nothing is. */
    public synchronized void remove() {
        exemptions.removeAll();
    }

    /** Lets go of the network namespace; what was done there stays. */
    @Override
    public synchronized void close() {
        kernel.close();
    }

    private Map<InetAddress, String> covered(Map<InetAddress, String> wanted) {
        Map<InetAddress, String> covered = Families.entries();
        sources.keySet().forEach(family -> covered.putAll(Families.entriesOf(family, wanted)));
        return covered;
    }

    private static Exemptions choose(HostKernel kernel, Map<IpFamily, Cidr> sources, Consumer<NftExemptions> trial) {
        NftExemptions nft = new NftExemptions(kernel, sources);
        try {
            trial.accept(nft);
            return nft;
        } catch (NetnsException e) {
            throw e;
        } catch (RedirectException e) {
            return legacy(kernel, sources, e);
        }
    }

    private static Exemptions legacy(HostKernel kernel, Map<IpFamily, Cidr> sources, RedirectException cause) {
        String message = "probes cannot be exempt on this host: not by nf_tables: " + cause.getMessage()
                + "; not by iptables-legacy: ";
        LegacyIptables iptables = LegacyIptables.installed()
                .orElseThrow(() -> new RedirectException(message + "it is not installed", cause));
        IpsetExemptions legacy = new IpsetExemptions(kernel, iptables, sources);
        try {
            legacy.check();
            return legacy;
        } catch (RedirectException e) {
            throw new RedirectException(message + e.getMessage(), e);
        }
    }

    /** It is kept as a comment, which has a bound. */
    private static String requireUid(String uid) {
        requireNonNull(uid, "uid is null");
        int length = uid.getBytes(StandardCharsets.UTF_8).length;
        if (length == 0 || length > SetElement.LONGEST_COMMENT || uid.indexOf('\0') >= 0) {
            throw new RedirectException("a UID has 1 to " + SetElement.LONGEST_COMMENT + " bytes, not " + length);
        }
        return uid;
    }
}
