// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.LibC;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Redirects with nf_tables alone: one table of our own for each family, replaced in one transaction, with sets instead
 * of long lists of rules.
 *
 * <p>The kernel is spoken to by netlink, and no process is started. Rules that an iptables backend left in a pod are
 * removed, so that a node can be switched over; only those of the legacy variant take its programs.
 */
public final class NftBackend implements RedirectBackend {
    private record Found(List<IptablesTool> legacy, Map<IpFamily, String> problems) implements NodeTools {
        @Override
        public String name() {
            return "nftables";
        }

        @Override
        public String version() {
            return "nftables, by netlink";
        }

        /** Our tables hold the rules of all families, and iptables none. */
        @Override
        public List<Layer> layers(RedirectPlan plan) {
            Map<IpFamily, RuleSet> wanted = new LinkedHashMap<>();
            Stream.of(IpFamily.values()).forEach(family -> wanted.put(family, plan.wantedRules(family)));
            List<Layer> layers = new ArrayList<>();
            layers.add(new NetlinkLayer(NetlinkLayer.nothing(), NetlinkLayer.own(wanted), List.of()));
            for (IptablesTool program : legacy) {
                NetlinkLayer.nothing().values().forEach(rules -> layers.add(new IptablesLayer(program, rules)));
            }
            return layers;
        }
    }

    private final LinuxBackend linux;

    /** For the namespaces that the container runtime names. */
    public NftBackend() {
        this(HostPaths.standard());
    }

    /** For namespaces that this process finds below other paths than the host does. */
    public NftBackend(HostPaths hostPaths) {
        this(hostPaths, _ -> {});
    }

    NftBackend(HostPaths hostPaths, Consumer<String> steps) {
        this.linux = new LinuxBackend(hostPaths, steps, NftBackend::find);
    }

    @Override
    public String name() {
        return "nftables";
    }

    @Override
    public String detect() {
        return linux.detect();
    }

    @Override
    public boolean withThrowaway(Consumer<Path> action) {
        return NetworkNamespace.withNew(action);
    }

    @Override
    public NamespaceHandle open(Path netns, Deadline deadline) {
        return linux.open(netns, deadline);
    }

    @Override
    public NamespaceHandle begin(Path netns, Deadline deadline) {
        return linux.begin(netns, deadline);
    }

    private static NodeTools find() {
        LibC.load();
        Map<IpFamily, String> problems = new EnumMap<>(IpFamily.class);
        boolean throwaway = NetworkNamespace.canMakeNew();
        for (IpFamily family : IpFamily.values()) {
            try {
                SampleRules.attempt(
                        new NetlinkLayer(Map.of(), NetlinkLayer.own(Map.of(family, SampleRules.of(family))), List.of()),
                        throwaway);
            } catch (RedirectException e) {
                problems.put(family, e.getMessage());
            }
        }
        if (problems.containsKey(IpFamily.IPV4)) {
            throw new RedirectException("nftables does not work on this node, the kernel needs nf_tables with nat:"
                    + " " + problems.get(IpFamily.IPV4));
        }
        return new Found(IptablesDetection.legacy(), problems);
    }
}
