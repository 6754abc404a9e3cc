// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.chain.calico;

import dev.meshcni.api.CniResult;
import dev.meshcni.api.IpNet;
import dev.meshcni.api.conf.ChainedConf;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.ConfFile;
import dev.meshcni.api.conf.Detection;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.api.conf.OwnedConf;
import dev.meshcni.api.spi.AttachmentContext;
import dev.meshcni.api.spi.ChainAdapter;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Lives behind Calico (and Canal, which runs Calico's plugin as well).
 *
 * <p>Calico gives a pod host addresses, {@code /32} and {@code /128}, whatever the size of the pool, and routes
 * everything to a gateway that exists nowhere: {@code 169.254.1.1}, which the host answers ARP for, or the link-local
 * address of the veth (Calico documentation, "Why does my container have a route to 169.254.1.1?"). Its result names
 * one interface: the veth by its name on the host, {@code cali} and a hash unless Felix is configured for another
 * prefix, older versions without and newer ones with the pod's sandbox. The interface in the pod is not named, so its
 * name cannot be checked here.
 */
public final class CalicoChainAdapter implements ChainAdapter {
    private static final String TYPE = "calico";

    /** For {@link java.util.ServiceLoader}. */
    public CalicoChainAdapter() {}

    @Override
    public String name() {
        return "calico";
    }

    @Override
    public Detection detect(ConfDirSnapshot dir, InstallSettings settings) {
        return base(dir, settings)
                .map(file -> Detection.certain(file.name(), "its first plugin is calico"))
                .orElseGet(() -> ChainedConf.otherThan(TYPE, dir, settings));
    }

    @Override
    public List<String> violations(AttachmentContext attachment) {
        List<String> violations = new ArrayList<>(ChainAdapter.super.violations(attachment));
        for (CniResult.Ip ip : attachment.prevResult().map(CniResult::ips).orElse(List.of())) {
            if (!ip.address().isHost()) {
                violations.add("Calico assigns /32 and /128 addresses, but " + ip.address() + " is neither");
            }
            ip.gateway()
                    .filter(gateway -> !gateway.isLinkLocalAddress())
                    .map(CalicoChainAdapter::strangeGateway)
                    .ifPresent(violations::add);
        }
        return List.copyOf(violations);
    }

    @Override
    public List<Finding> findings(ConfDirSnapshot dir, InstallSettings settings) {
        List<Finding> findings = new ArrayList<>(ChainAdapter.super.findings(dir, settings));
        base(dir, settings)
                .filter(file -> settings.ownedName().isEmpty()
                        && OwnedConf.source(file, settings).isEmpty())
                .map(file -> Finding.info(
                        "calico-node writes " + file.name() + " again whenever it starts; until the daemon has"
                                + " restored "
                                + settings.type() + ", new pods are not redirected",
                        "keep repair enabled, which repairs these pods"))
                .ifPresent(findings::add);
        return List.copyOf(findings);
    }

    private static Optional<ConfFile.Valid> base(ConfDirSnapshot dir, InstallSettings settings) {
        return ChainedConf.base(dir, settings)
                .filter(file -> settings.chained())
                .filter(file -> ChainedConf.baseType(dir, settings).equals(Optional.of(TYPE)));
    }

    private static String strangeGateway(InetAddress gateway) {
        return "Calico routes pods to a link-local gateway, but " + IpNet.text(gateway) + " is not link-local";
    }
}
