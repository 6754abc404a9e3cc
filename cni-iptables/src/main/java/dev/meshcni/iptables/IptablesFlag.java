package dev.meshcni.iptables;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The flags of Istio's {@code istio-iptables}, and a few of our own. Each can be given as an environment variable
 * instead, so their texts are read through {@link Settings}.
 */
enum IptablesFlag {
    PROXY_PORT("-p --envoy-port", "PORT", "Port of the proxy for outbound connections. Default: 15001."),
    INBOUND_PORT("-z --inbound-capture-port", "PORT", "Port of the proxy for inbound connections. Default: 15006."),
    TUNNEL_PORT("-e --inbound-tunnel-port", "PORT", "Port of the proxy for tunnelled connections. Default: 15008."),
    PROXY_UIDS(
            "-u --proxy-uid",
            "UIDS",
            "Users whose traffic is the proxy's own. Default: the user named by ENVOY_USER, else istio-proxy, else 1337."),
    PROXY_GIDS("-g --proxy-gid", "GIDS", "Groups whose traffic is the proxy's own. Default: as -u."),
    MODE(
            "-m --istio-inbound-interception-mode",
            "MODE",
            "REDIRECT, or TPROXY to keep the client's address. Default: REDIRECT."),
    INBOUND_PORTS("-b --istio-inbound-ports", "PORTS", "Inbound ports to redirect, * for all. Default: none."),
    EXCLUDED_INBOUND_PORTS("-d --istio-local-exclude-ports", "PORTS", "Inbound ports to leave alone, where -b is *."),
    OUTBOUND_RANGES(
            "-i --istio-service-cidr", "RANGES", "Destinations to redirect to the proxy, * for all. Default: none."),
    EXCLUDED_OUTBOUND_RANGES(
            "-x --istio-service-exclude-cidr", "RANGES", "Destinations to leave alone, where -i is *."),
    OUTBOUND_PORTS("-q --istio-outbound-ports", "PORTS", "Outbound ports to redirect, wherever the connection goes."),
    EXCLUDED_OUTBOUND_PORTS("-o --istio-local-outbound-ports-exclude", "PORTS", "Outbound ports to leave alone."),
    EXCLUDED_INTERFACES("-c --istio-exclude-interfaces", "NAMES", "Interfaces whose traffic is left alone."),
    VIRTUAL_INTERFACES(
            "-k --kube-virt-interfaces", "NAMES", "Interfaces of guests: what arrives there counts as outbound."),
    TPROXY_MARK(
            "-t --istio-inbound-tproxy-mark", "MARK", "Mark of packets for the proxy in mode TPROXY. Default: 1337."),
    ROUTE_TABLE("-r --istio-inbound-tproxy-route-table", "TABLE", "Routing table for packets so marked. Default: 133."),
    REDIRECT_DNS(
            "--redirect-dns",
            Kind.SWITCH,
            "Redirect DNS queries to the agent beside the proxy (ISTIO_META_DNS_CAPTURE)."),
    CAPTURE_ALL_DNS(
            "--capture-all-dns", Kind.SWITCH, "With --redirect-dns: queries to any server, not only to --dns-servers."),
    DNS_SERVERS(
            "--dns-servers",
            "ADDRESSES",
            "With --redirect-dns: queries to these. Default: the servers in /etc/resolv.conf; none with --dry-run, which"
                    + " does not look at this machine."),
    DROP_INVALID("--drop-invalid", Kind.SWITCH, "Drop packets that belong to no connection (INVALID_DROP)."),
    DUAL_STACK("--dual-stack", Kind.SWITCH, "The proxy listens on IPv4 and IPv6 (ISTIO_DUAL_STACK)."),
    FAMILIES(
            "--ip-families",
            "FAMILIES",
            "ipv4, ipv6 or ipv4,ipv6. Default: what the addresses of the namespace ask for; with --dry-run ipv4, and"
                    + " both with --dual-stack."),
    NETWORK_NAMESPACE(
            "--network-namespace", "PATH", "The network namespace to work in. Default: that of this process."),
    NATIVE_NFTABLES("--native-nftables", Kind.SWITCH, "Use nftables instead of iptables."),
    FORCE_IPTABLES_BINARY(
            "--force-iptables-binary",
            "NAME",
            "The iptables command to use, such as iptables-legacy. Default: the one that works here."),
    FORCE_LEGACY_IPTABLES(
            "--force-legacy-iptables", Kind.SWITCH, "Older spelling of --force-iptables-binary=iptables-legacy."),
    PROBE_PORT("--iptables-probe-port", "PORT", "Port that validation connects to. Default: 15002."),
    PROBE_TIMEOUT("--probe-timeout", "TIME", "How long validation waits, such as 500ms, 5s or 1m. Default: 5s."),
    DRY_RUN("-n --dry-run", Kind.SWITCH, "Print the rules and do nothing else."),
    SKIP_RULE_APPLY("--skip-rule-apply", Kind.SWITCH, "Apply nothing, as for --run-validation alone."),
    RUN_VALIDATION(
            "--run-validation", Kind.SWITCH, "Then test that traffic is redirected, as \"meshcni validate\" does."),
    RECONCILE(
            "--reconcile",
            Kind.SWITCH,
            "Replace what an earlier run with other flags has set up; without it, that is an error."),
    CLEANUP_ONLY("--cleanup-only", Kind.SWITCH, "Remove what an earlier run has set up, and nothing else."),
    FORCE_APPLY("--force-apply", Kind.SWITCH, "As --reconcile."),
    CNI_MODE("--cni-mode", Kind.WITHOUT_EFFECT, ""),
    RESTORE_FORMAT("-f --restore-format", Kind.WITHOUT_EFFECT, ""),
    TRACE_LOGGING("--iptables-trace-logging", Kind.WITHOUT_EFFECT, ""),
    NSENTER_EXEC("--host-nsenter-exec", Kind.WITHOUT_EFFECT, ""),
    LOG_AS_JSON("--log_as_json", Kind.LOGGING, ""),
    LOG_CALLER("--log_caller", Kind.LOGGING, ""),
    LOG_OUTPUT_LEVEL("--log_output_level", Kind.LOGGING, ""),
    LOG_STACKTRACE_LEVEL("--log_stacktrace_level", Kind.LOGGING, ""),
    LOG_TARGET("--log_target", Kind.LOGGING, "");

    /** How a flag is given, and what it is good for. */
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

    /** What it is good for. */
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
