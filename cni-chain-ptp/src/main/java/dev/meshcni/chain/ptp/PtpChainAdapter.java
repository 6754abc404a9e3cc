// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.chain.ptp;

import dev.meshcni.api.CniResult;
import dev.meshcni.api.CniResult.Interface;
import dev.meshcni.api.CniResult.Ip;
import dev.meshcni.api.conf.ChainedConf;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.Detection;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.api.spi.AttachmentContext;
import dev.meshcni.api.spi.ChainAdapter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Lives behind {@code ptp}, the reference plugin that connects a pod to its node by a veth pair and routes
 * (containernetworking/plugins, plugins/main/ptp), which kindnet uses as well.
 *
 * <p>Its result names the veth on the host, then the interface in the pod, which has the name that was asked for and
 * all the addresses. Before CNI 0.3.0 a result has addresses and nothing else, so there is less to check.
 */
public final class PtpChainAdapter implements ChainAdapter {
    private static final String TYPE = "ptp";

    /** For {@link java.util.ServiceLoader}. */
    public PtpChainAdapter() {}

    @Override
    public String name() {
        return "ptp";
    }

    @Override
    public Detection detect(ConfDirSnapshot dir, InstallSettings settings) {
        return ChainedConf.base(dir, settings)
                .filter(file -> settings.chained())
                .filter(file -> ChainedConf.baseType(dir, settings).equals(Optional.of(TYPE)))
                .map(file -> Detection.certain(file.name(), "its first plugin is ptp"))
                .orElseGet(() -> ChainedConf.otherThan(TYPE, dir, settings));
    }

    @Override
    public List<String> violations(AttachmentContext attachment) {
        List<String> violations = new ArrayList<>(ChainAdapter.super.violations(attachment));
        attachment
                .prevResult()
                .filter(result -> !result.interfaces().isEmpty())
                .ifPresent(result -> violations.addAll(interfaceViolations(attachment, result)));
        return List.copyOf(violations);
    }

    private static List<String> interfaceViolations(AttachmentContext attachment, CniResult result) {
        List<String> violations = new ArrayList<>();
        boolean inSandbox =
                attachment.sandboxInterfaces().stream().map(Interface::name).anyMatch(attachment.ifName()::equals);
        if (!inSandbox) {
            violations.add("ptp reported no interface " + attachment.ifName() + " in " + attachment.netns());
        }
        if (attachment.hostInterfaces().isEmpty()) {
            violations.add("ptp reported no veth on the host");
        }
        result.ips().stream()
                .filter(ip -> !belongsToPod(attachment, result, ip))
                .map(ip -> "ptp reported the address " + ip.address() + " for an interface that is not in the pod")
                .forEach(violations::add);
        return violations;
    }

    private static boolean belongsToPod(AttachmentContext attachment, CniResult result, Ip ip) {
        return result.interfaceOf(ip)
                .filter(networkInterface -> networkInterface.sandbox().equals(attachment.netns()))
                .isPresent();
    }
}
