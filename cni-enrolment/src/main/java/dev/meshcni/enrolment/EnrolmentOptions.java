// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import dev.meshcni.ambient.EnablementSelector;
import dev.meshcni.ambient.EnrolmentPolicy;
import dev.meshcni.ambient.SelectorReader;
import dev.meshcni.config.DaemonException;
import dev.meshcni.config.ManifestException;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.rules.InvalidParameterException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options of ambient mode; names and defaults are those that Istio's install-cni and its chart have. */
public final class EnrolmentOptions {
    private static final String SELECTOR = "--ambient-enablement-selector";

    @Option(
            names = "--ambient-enabled",
            arity = "0..1",
            paramLabel = "BOOL",
            fallbackValue = "true",
            defaultValue = "false",
            description = "Have pods join the mesh of the node's ztunnel (ambient mode). Default: ${DEFAULT-VALUE}.")
    private boolean enabled;

    @Option(
            names = SELECTOR,
            paramLabel = "YAML",
            defaultValue = "",
            converter = Selectors.class,
            description = {
                "Which pods join it: a list of podSelector and namespaceSelector, each a LabelSelector of Kubernetes.",
                "Default: by the label istio.io/dataplane-mode=ambient of the pod or its namespace."
            })
    private String selector;

    @Option(
            names = "--ambient-dns-capture",
            paramLabel = "BOOL",
            defaultValue = "",
            converter = Dns.class,
            description = "Whether DNS queries of these pods go to ztunnel. Default: true.")
    private String dnsCapture;

    @Option(
            names = "--ambient-ipv6",
            arity = "0..1",
            paramLabel = "BOOL",
            fallbackValue = "true",
            defaultValue = "true",
            description = "Whether IPv6 of these pods goes to ztunnel. Default: ${DEFAULT-VALUE}.")
    private boolean ipv6;

    @Option(
            names = "--ztunnel-uds-address",
            paramLabel = "SOCKET",
            defaultValue = "/var/run/ztunnel/ztunnel.sock",
            description = "Socket at which ztunnel learns of pods. Default: ${DEFAULT-VALUE}.")
    private Path socket;

    @Option(
            names = "--host-probe-snat-ip",
            paramLabel = "ADDRESS",
            defaultValue = "",
            converter = ProbeIpv4.class,
            description = "Source address of the kubelet's probes to these pods. Default: 169.254.7.127.")
    private String probeIpv4;

    @Option(
            names = "--host-probe-snat-ipv6",
            paramLabel = "ADDRESS",
            defaultValue = "",
            converter = ProbeIpv6.class,
            description = "The same for IPv6. Default: fd16:9254:7127:1337:ffff:ffff:ffff:ffff.")
    private String probeIpv6;

    @Option(
            names = "--system-namespace",
            paramLabel = "NAMESPACE",
            defaultValue = "istio-system",
            description = "Namespace of ztunnel, whose own pods never join. Default: ${DEFAULT-VALUE}.")
    private String systemNamespace;

    @Option(
            names = "--ambient-check-interval-seconds",
            paramLabel = "N",
            defaultValue = "60",
            description = "Interval at which all pods of the mesh are inspected and mended; 0 for never. Default:"
                    + " ${DEFAULT-VALUE}.")
    private int checkIntervalSeconds;

    /** For picocli, which fills it. */
    public EnrolmentOptions() {}

    /** Returns whether pods of this node join the mesh. */
    public boolean enabled() {
        return enabled;
    }

    /** What the node decides about the rules of ambient pods. */
    public AmbientOptions.Node node() {
        return AmbientOptions.Node.of(Map.of(
                AmbientOptions.Node.DNS_VARIABLE, dnsCapture,
                AmbientOptions.Node.PROBE_IPV4_VARIABLE, probeIpv4,
                AmbientOptions.Node.PROBE_IPV6_VARIABLE, probeIpv6,
                AmbientOptions.Node.IPV6_VARIABLE, String.valueOf(ipv6)));
    }

    /**
     * The settings that the options give.
     *
     * @param excludedNamespaces namespaces whose pods never join
     * @throws DaemonException if an option is not valid; it names it
     */
    public EnrolmentSettings settings(Set<String> excludedNamespaces) {
        if (checkIntervalSeconds < 0) {
            throw new DaemonException("--ambient-check-interval-seconds is " + checkIntervalSeconds
                    + "; possible are 0 for never, and more");
        }
        return new EnrolmentSettings(
                new EnrolmentPolicy(excludedNamespaces, SelectorReader.setting(SELECTOR, selector), systemNamespace),
                node(),
                socket,
                Duration.ofSeconds(checkIntervalSeconds));
    }

    /** A text that is checked at once, and read where it is used. */
    private abstract static class Checked implements ITypeConverter<String> {
        abstract void check(String text);

        @Override
        public String convert(String text) {
            try {
                check(text);
                return text;
            } catch (InvalidParameterException | ManifestException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    /** A setting of Istio's node agent, by its variable. */
    private abstract static class OfNode extends Checked {
        private final String variable;

        OfNode(String variable) {
            this.variable = variable;
        }

        @Override
        void check(String text) {
            AmbientOptions.Node _ = AmbientOptions.Node.of(Map.of(variable, text));
        }
    }

    private static final class Dns extends OfNode {
        Dns() {
            super(AmbientOptions.Node.DNS_VARIABLE);
        }
    }

    private static final class ProbeIpv4 extends OfNode {
        ProbeIpv4() {
            super(AmbientOptions.Node.PROBE_IPV4_VARIABLE);
        }
    }

    private static final class ProbeIpv6 extends OfNode {
        ProbeIpv6() {
            super(AmbientOptions.Node.PROBE_IPV6_VARIABLE);
        }
    }

    private static final class Selectors extends Checked {
        @Override
        void check(String text) {
            List<EnablementSelector> _ = SelectorReader.setting(SELECTOR, text);
        }
    }
}
