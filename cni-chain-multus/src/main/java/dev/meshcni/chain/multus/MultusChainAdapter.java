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
 * <p>Chained where Multus is the plugin that the runtime calls, our plugin is the last one of the default network's
 * list if Multus names that file, as it does when it runs as a daemon (thick): Multus removes its own file when it
 * stops, and a list that we had made of it would stay. Otherwise it is chained behind Multus, which then writes its
 * configuration anew from time to time.
 */
public final class MultusChainAdapter implements ChainAdapter {
    /** The plugin of a Multus that runs as a daemon. */
    private static final String DAEMON_TYPE = "multus-shim";

    /** The types of Multus' plugins. */
    static final Set<String> TYPES = Set.of("multus", DAEMON_TYPE);

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
                .map(file -> delegated(dir, file, settings)
                        .map(named -> Detection.certain(
                                named.confName(),
                                "it is the default network of Multus, which " + file.name() + " calls"))
                        .orElseGet(() -> Detection.certain(file.name(), "its first plugin is Multus")))
                .orElseGet(() -> ChainedConf.otherThan("multus", dir, settings));
    }

    @Override
    public InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
        if (!settings.chained()) {
            return StandaloneConf.install(dir, settings);
        }
        Optional<ConfFile.Valid> multus =
                chainedBase(dir, settings).filter(_ -> settings.confName().isEmpty());
        return multus.flatMap(file -> delegated(dir, file, settings))
                .map(named -> ChainedConf.install(dir, named))
                .or(() -> multus.flatMap(MultusChainAdapter::obstacle))
                .orElseGet(() -> ChainedConf.install(dir, settings));
    }

    @Override
    public List<String> violations(AttachmentContext attachment) {
        return attachment.prevResult().isEmpty() ? List.of() : ChainAdapter.super.violations(attachment);
    }

    @Override
    public List<Finding> findings(ConfDirSnapshot dir, InstallSettings settings) {
        Optional<ConfFile.Valid> multus = settings.chained() ? chainedBase(dir, settings) : Optional.empty();
        Optional<InstallSettings> named = multus.flatMap(file -> delegated(dir, file, settings));
        List<Finding> findings = new ArrayList<>(ChainAdapter.super.findings(dir, named.orElse(settings)));
        if (settings.chained()) {
            multus.filter(_ -> named.isEmpty())
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

    /** The same settings for the default network's file, if Multus names it and it is a list that is there. */
    private static Optional<InstallSettings> delegated(
            ConfDirSnapshot dir, ConfFile.Valid multus, InstallSettings settings) {
        return ChainedConf.delegate(multus.list())
                .filter(_ -> settings.confName().isEmpty())
                .flatMap(dir::file)
                .filter(file -> file instanceof ConfFile.Valid valid
                        && !valid.list().single()
                        && !valid.name().equals(multus.name()))
                .map(file -> new InstallSettings(true, file.name(), settings.entry(), settings.forced()));
    }

    /** Why neither the default network's file can be used nor that of a Multus that removes it when it stops. */
    private static Optional<InstallPlan> obstacle(ConfFile.Valid multus) {
        boolean daemon = multus.list().plugins().stream()
                .anyMatch(plugin -> plugin.type().equals(DAEMON_TYPE));
        if (!daemon || !multus.list().single()) {
            return Optional.empty();
        }
        return Optional.of(ChainedConf.delegate(multus.list())
                .filter(file -> file.endsWith(".conflist"))
                .<InstallPlan>map(
                        file -> new InstallPlan.Wait("the configuration of Multus's default network, " + file))
                .orElseGet(() -> new InstallPlan.Refuse(
                        multus.name(),
                        "Multus removes it when it stops, and a list made of it would stay: make the default network"
                                + " a .conflist in the same directory, or install unchained"
                                + " (chained-cni-plugin=false)")));
    }

    private static Optional<ConfFile.Valid> chainedBase(ConfDirSnapshot dir, InstallSettings settings) {
        return ChainedConf.base(dir, settings)
                .filter(file -> ChainedConf.baseType(dir, settings)
                        .filter(TYPES::contains)
                        .isPresent());
    }
}
