// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The flags of Istio's {@code istio-iptables}, and a few of our own. Each can be given as an environment variable
 * instead, so their texts are read through {@link Settings}.
 */
enum IptablesFlag {
    PROXY_PORT("-p --envoy-port", "PORT", "Proxy port for outbound connections. Default: 15001."),
    INBOUND_PORT("-z --inbound-capture-port", "PORT", "Proxy port for inbound connections. Default: 15006."),
    TUNNEL_PORT("-e --inbound-tunnel-port", "PORT", "Proxy port for HBONE tunnels. Default: 15008."),
    PROXY_UIDS(
            "-u --proxy-uid",
            "UIDS",
            "UIDs of the proxy, whose traffic is not redirected. Default: the user named by ENVOY_USER, else"
                    + " istio-proxy, else 1337."),
    PROXY_GIDS("-g --proxy-gid", "GIDS", "GIDs of the proxy, whose traffic is not redirected. Default: same as -u."),
    MODE(
            "-m --istio-inbound-interception-mode",
            "MODE",
            "REDIRECT, or TPROXY to preserve the client address. Default: REDIRECT."),
    INBOUND_PORTS(
            "-b --istio-inbound-ports",
            "PORTS",
            "Inbound ports to redirect, * for all. Default: none; with validate: all."),
    EXCLUDED_INBOUND_PORTS("-d --istio-local-exclude-ports", "PORTS", "Inbound ports to exclude, if -b is *."),
    OUTBOUND_RANGES(
            "-i --istio-service-cidr",
            "RANGES",
            "Destination CIDRs to redirect to the proxy, * for all. Default: none; with validate: all."),
    EXCLUDED_OUTBOUND_RANGES("-x --istio-service-exclude-cidr", "RANGES", "Destination CIDRs to exclude, if -i is *."),
    OUTBOUND_PORTS("-q --istio-outbound-ports", "PORTS", "Outbound ports to redirect, for any destination."),
    EXCLUDED_OUTBOUND_PORTS("-o --istio-local-outbound-ports-exclude", "PORTS", "Outbound ports to exclude."),
    EXCLUDED_INTERFACES("-c --istio-exclude-interfaces", "NAMES", "Interfaces whose traffic is not redirected."),
    VIRTUAL_INTERFACES(
            "-k --kube-virt-interfaces",
            "NAMES",
            "Interfaces of virtual machine guests; traffic arriving there is handled as outbound."),
    TPROXY_MARK("-t --istio-inbound-tproxy-mark", "MARK", "Packet mark for mode TPROXY. Default: 1337."),
    ROUTE_TABLE(
            "-r --istio-inbound-tproxy-route-table",
            "TABLE",
            "Routing table for packets with that mark. Default: 133."),
    REDIRECT_DNS(
            "--redirect-dns",
            Kind.SWITCH,
            "Redirect DNS queries to the DNS proxy of istio-agent (ISTIO_META_DNS_CAPTURE)."),
    CAPTURE_ALL_DNS(
            "--capture-all-dns",
            Kind.SWITCH,
            "With --redirect-dns: redirect queries to any server, not only to --dns-servers."),
    DNS_SERVERS(
            "--dns-servers",
            "ADDRESSES",
            "With --redirect-dns: redirect queries to these servers. Default: those in /etc/resolv.conf; none with"
                    + " --dry-run, which does not inspect this machine."),
    DROP_INVALID("--drop-invalid", Kind.SWITCH, "Drop packets in conntrack state INVALID (INVALID_DROP)."),
    DUAL_STACK("--dual-stack", Kind.SWITCH, "The proxy listens on both IPv4 and IPv6 (ISTIO_DUAL_STACK)."),
    FAMILIES(
            "--ip-families",
            "FAMILIES",
            "ipv4, ipv6 or ipv4,ipv6. Default: derived from the addresses of the network namespace; with --dry-run"
                    + " ipv4, or both with --dual-stack."),
    NETWORK_NAMESPACE("--network-namespace", "PATH", "Path of the network namespace. Default: that of this process."),
    NATIVE_NFTABLES("--native-nftables", Kind.SWITCH, "Use nftables instead of iptables."),
    FORCE_IPTABLES_BINARY(
            "--force-iptables-binary",
            "NAME",
            "iptables command to use, such as iptables-legacy. Default: the first variant that works."),
    FORCE_LEGACY_IPTABLES("--force-legacy-iptables", Kind.SWITCH, "Same as --force-iptables-binary=iptables-legacy."),
    PROBE_PORT("--iptables-probe-port", "PORT", "Destination port of validation probes. Default: 15002."),
    PROBE_TIMEOUT("--probe-timeout", "TIME", "Timeout of validation probes, such as 500ms, 5s or 1m. Default: 5s."),
    DRY_RUN("-n --dry-run", Kind.SWITCH, "Print the rules without applying them."),
    SKIP_RULE_APPLY("--skip-rule-apply", Kind.SWITCH, "Do not apply rules, for example to only run --run-validation."),
    RUN_VALIDATION(
            "--run-validation",
            Kind.SWITCH,
            "After applying, test that traffic is redirected, like \"meshcni validate\"."),
    RECONCILE(
            "--reconcile",
            Kind.SWITCH,
            "Replace the redirection of an earlier run with other flags, instead of failing."),
    CLEANUP_ONLY("--cleanup-only", Kind.SWITCH, "Only remove the redirection of an earlier run."),
    FORCE_APPLY("--force-apply", Kind.SWITCH, "Same as --reconcile."),
    CNI_MODE("--cni-mode", Kind.WITHOUT_EFFECT, ""),
    RESTORE_FORMAT("-f --restore-format", Kind.WITHOUT_EFFECT, ""),
    TRACE_LOGGING("--iptables-trace-logging", Kind.WITHOUT_EFFECT, ""),
    NSENTER_EXEC("--host-nsenter-exec", Kind.WITHOUT_EFFECT, ""),
    LOG_AS_JSON("--log_as_json", Kind.LOGGING, ""),
    LOG_CALLER("--log_caller", Kind.LOGGING, ""),
    LOG_OUTPUT_LEVEL("--log_output_level", Kind.LOGGING, ""),
    LOG_STACKTRACE_LEVEL("--log_stacktrace_level", Kind.LOGGING, ""),
    LOG_TARGET("--log_target", Kind.LOGGING, "");

    /** The syntax and the effect of a flag. */
    enum Kind {
        /** {@code --flag VALUE}. */
        VALUE,
        /** {@code --flag}, or {@code --flag=false} to take back a variable. */
        SWITCH,
        /** Of Istio's, with nothing left to do here; using it is worth a warning. */
        WITHOUT_EFFECT,
        /** Of Istio's logging, which sidecar injection puts on every command line. */
        LOGGING
    }

    private final String names;
    private final Kind kind;
    private final String label;
    private final String description;

    IptablesFlag(String names, String label, String description) {
        this(names, Kind.VALUE, label, description);
    }

    IptablesFlag(String names, Kind kind, String description) {
        this(names, kind, "BOOL", description);
    }

    IptablesFlag(String names, Kind kind, String label, String description) {
        this.names = names;
        this.kind = kind;
        this.label = label;
        this.description = description;
    }

    /** The long name, such as {@code --envoy-port}. */
    String longName() {
        return names.substring(names.lastIndexOf(' ') + 1);
    }

    /** The kind of the flag. */
    Kind kind() {
        return kind;
    }

    /** Lets a command take these flags. */
    static void addTo(CommandSpec command, Iterable<IptablesFlag> flags) {
        flags.forEach(flag -> command.addOption(flag.option()));
    }

    private OptionSpec option() {
        OptionSpec.Builder option = OptionSpec.builder(names.split(" ", -1))
                .type(String.class)
                .paramLabel(label)
                .description(description);
        return switch (kind) {
            case VALUE -> option.arity("1").build();
            case SWITCH -> option.arity("0..1").fallbackValue("true").build();
            case WITHOUT_EFFECT, LOGGING ->
                option.arity("0..1").fallbackValue("true").hidden(true).build();
        };
    }
}
