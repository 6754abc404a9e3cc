// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.chain.multus;

import dev.meshcni.api.conf.ChainedConf;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.ConfFile;
import dev.meshcni.api.conf.Detection;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.InstallPlan;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.api.spi.AttachmentContext;
import dev.meshcni.api.spi.ChainAdapter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Lives beside Multus, which attaches pods to further networks: our plugin is one of those, with a configuration of its
 * own (OpenShift works like this). A pod is attached to it by the annotation {@code k8s.v1.cni.cncf.io/networks}, which
 * names a NetworkAttachmentDefinition; where that has no configuration Multus takes the file in its directory whose
 * network has the same name. Multus calls our plugin after the default network, with an interface name of its own
 * ({@code net1}) and without {@code prevResult}.
 *
 * <p>Chained behind Multus, where Multus is the plugin that the runtime calls, our plugin works like behind any other,
 * except that Multus writes its own configuration anew from time to time.
 */
public final class MultusChainAdapter implements ChainAdapter {
    /** The types of Multus' plugins. */
    static final Set<String> TYPES = Set.of("multus", "multus-shim");

    /** For {@link java.util.ServiceLoader}. */
    public MultusChainAdapter() {}

    @Override
    public String name() {
        return "multus";
    }

    @Override
    public Detection detect(ConfDirSnapshot dir, InstallSettings settings) {
        if (!settings.chained()) {
            return Detection.certain(
                    StandaloneConf.fileName(settings), "the plugin is installed with a separate configuration");
        }
        return chainedBase(dir, settings)
                .map(file -> Detection.certain(file.name(), "its first plugin is Multus"))
                .orElse(Detection.none());
    }

    @Override
    public InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
        return settings.chained() ? ChainedConf.install(dir, settings) : StandaloneConf.install(dir, settings);
    }

    @Override
    public List<String> violations(AttachmentContext attachment) {
        return attachment.prevResult().isEmpty() ? List.of() : ChainAdapter.super.violations(attachment);
    }

    @Override
    public List<Finding> findings(ConfDirSnapshot dir, InstallSettings settings) {
        List<Finding> findings = new ArrayList<>(ChainAdapter.super.findings(dir, settings));
        if (settings.chained()) {
            chainedBase(dir, settings)
                    .map(file -> Finding.warning(
                            "Multus writes " + file.name()
                                    + " itself (multus-conf-file=auto), from the configuration of the default"
                                    + " network, and removes " + settings.type() + " in doing so",
                            "install unchained (chained-cni-plugin=false) into Multus's directory, or set"
                                    + " cni-conf-name to the default network's file"))
                    .ifPresent(findings::add);
        } else {
            StandaloneConf.finding(dir, settings).ifPresent(findings::add);
            findings.add(Finding.info(
                    "pods are only redirected if their annotation k8s.v1.cni.cncf.io/networks names a"
                            + " NetworkAttachmentDefinition called " + StandaloneConf.networkName(settings),
                    "create the definition, and configure the injector to set the annotation"));
        }
        return List.copyOf(findings);
    }

    private static Optional<ConfFile.Valid> chainedBase(ConfDirSnapshot dir, InstallSettings settings) {
        return ChainedConf.base(dir, settings)
                .filter(file -> ChainedConf.baseType(dir, settings)
                        .filter(TYPES::contains)
                        .isPresent());
    }
}
