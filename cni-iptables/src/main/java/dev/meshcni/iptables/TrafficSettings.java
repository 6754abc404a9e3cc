// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static java.util.Objects.requireNonNull;

import dev.meshcni.iptables.Settings.Setting;
import dev.meshcni.redirect.AnnotationParser;
import dev.meshcni.redirect.DnsCapture;
import dev.meshcni.redirect.InterceptionMode;
import dev.meshcni.redirect.Parameter;
import dev.meshcni.redirect.ParameterText;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectParametersBuilder;
import dev.meshcni.redirect.Selection;
import dev.meshcni.rules.InvalidParameterException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/**
 * Makes the parameters of a redirection from flags and variables, with the defaults of {@code istio-iptables}: unlike a
 * pod, which is redirected wholly unless it says otherwise, a command line redirects what it names.
 */
final class TrafficSettings {
    private static final Logger LOG = System.getLogger(TrafficSettings.class.getName());
    private static final long MAX_NUMBER = Integer.MAX_VALUE;

    private final Settings settings;
    private final HostDefaults surroundings;
    private final boolean allByDefault;
    private final RedirectParametersBuilder builder = RedirectParameters.builder();

    /**
     * @param settings what was said
     * @param surroundings the defaults for values that were not given
     */
    TrafficSettings(Settings settings, HostDefaults surroundings) {
        this(settings, surroundings, false);
    }

    private TrafficSettings(Settings settings, HostDefaults surroundings, boolean allByDefault) {
        this.settings = requireNonNull(settings, "settings is null");
        this.surroundings = requireNonNull(surroundings, "surroundings is null");
        this.allByDefault = allByDefault;
    }

    /** The same, but ports and destinations that nothing is said about are redirected, as in a pod. */
    TrafficSettings allByDefault() {
        return new TrafficSettings(settings, surroundings, true);
    }

    /**
     * The parameters.
     *
     * @throws InvalidParameterException if a flag or variable holds what is not allowed; it names it
     */
    RedirectParameters parameters() {
        readPorts();
        readOwners();
        readInbound();
        readOutbound();
        readInterfaces();
        readSwitches();
        builder.dns(dns());
        return builder.build();
    }

    private void readPorts() {
        number(IptablesFlag.PROXY_PORT, Parameter.PROXY_PORT, ParameterText::port, builder::proxyPort);
        number(IptablesFlag.INBOUND_PORT, Parameter.INBOUND_PORT, ParameterText::port, builder::inboundPort);
        number(IptablesFlag.TUNNEL_PORT, Parameter.TUNNEL_PORT, ParameterText::port, builder::tunnelPort);
        number(IptablesFlag.TPROXY_MARK, Parameter.TPROXY_MARK, TrafficSettings::positive, builder::tproxyMark);
        number(IptablesFlag.ROUTE_TABLE, Parameter.ROUTE_TABLE, TrafficSettings::positive, builder::routeTable);
    }

    private void readOwners() {
        List<Long> uids = settings.nonEmptyText(IptablesFlag.PROXY_UIDS)
                .map(setting -> parse(setting, Parameter.PROXY_UIDS, ParameterText::ids))
                .orElseGet(this::defaultProxyUids);
        builder.proxyUids(uids);
        builder.proxyGids(settings.nonEmptyText(IptablesFlag.PROXY_GIDS)
                .map(setting -> parse(setting, Parameter.PROXY_GIDS, ParameterText::ids))
                .orElse(uids));
        settings.variable(AnnotationParser.OWNER_GROUPS)
                .map(setting -> parse(setting, Parameter.OWNER_GROUPS, this::groupSelection))
                .ifPresent(builder::ownerGroups);
        settings.variable(AnnotationParser.EXCLUDED_OWNER_GROUPS)
                .map(setting -> parse(setting, Parameter.EXCLUDED_OWNER_GROUPS, this::groups))
                .ifPresent(builder::excludedOwnerGroups);
    }

    private void readInbound() {
        settings.nonEmptyText(IptablesFlag.MODE)
                .map(setting -> parse(setting, Parameter.MODE, TrafficSettings::mode))
                .ifPresent(builder::mode);
        builder.inboundPorts(settings.text(IptablesFlag.INBOUND_PORTS)
                .map(setting -> parse(setting, Parameter.INBOUND_PORTS, ParameterText::portSelection))
                .orElseGet(this::unsaid));
        list(
                IptablesFlag.EXCLUDED_INBOUND_PORTS,
                Parameter.EXCLUDED_INBOUND_PORTS,
                ParameterText::ports,
                builder::excludedInboundPorts);
    }

    private void readOutbound() {
        builder.outboundCidrs(settings.text(IptablesFlag.OUTBOUND_RANGES)
                .map(setting -> parse(setting, Parameter.OUTBOUND_CIDRS, ParameterText::cidrSelection))
                .orElseGet(this::unsaid));
        list(
                IptablesFlag.EXCLUDED_OUTBOUND_RANGES,
                Parameter.EXCLUDED_OUTBOUND_CIDRS,
                ParameterText::cidrs,
                builder::excludedOutboundCidrs);
        list(IptablesFlag.OUTBOUND_PORTS, Parameter.OUTBOUND_PORTS, ParameterText::ports, builder::outboundPorts);
        list(
                IptablesFlag.EXCLUDED_OUTBOUND_PORTS,
                Parameter.EXCLUDED_OUTBOUND_PORTS,
                ParameterText::ports,
                builder::excludedOutboundPorts);
        settings.variable(AnnotationParser.IPV4_LOOPBACK)
                .map(setting -> parse(setting, Parameter.IPV4_LOOPBACK, ParameterText::ipv4Loopback))
                .ifPresent(builder::ipv4Loopback);
    }

    private void readInterfaces() {
        list(
                IptablesFlag.EXCLUDED_INTERFACES,
                Parameter.EXCLUDED_INTERFACES,
                ParameterText::interfaces,
                builder::excludedInterfaces);
        list(
                IptablesFlag.VIRTUAL_INTERFACES,
                Parameter.VIRTUAL_INTERFACES,
                ParameterText::interfaces,
                builder::virtualInterfaces);
    }

    private void readSwitches() {
        settings.truth(IptablesFlag.DROP_INVALID)
                .map(setting -> parse(setting, Parameter.DROP_INVALID, ParameterText::flag))
                .ifPresent(builder::dropInvalid);
        settings.truth(IptablesFlag.DUAL_STACK)
                .map(setting -> parse(setting, Parameter.DUAL_STACK, ParameterText::flag))
                .ifPresent(builder::dualStack);
    }

    private DnsCapture dns() {
        boolean redirect = settings.truth(IptablesFlag.REDIRECT_DNS)
                .map(setting -> parse(setting, Parameter.DNS, ParameterText::flag))
                .orElse(false);
        if (!redirect) {
            return new DnsCapture.Off();
        }
        if (settings.isOn(IptablesFlag.CAPTURE_ALL_DNS)) {
            return new DnsCapture.AllResolvers();
        }
        List<InetAddress> servers = settings.text(IptablesFlag.DNS_SERVERS)
                .or(() -> surroundings.resolvConf().map(file -> new Setting(file.toString(), ResolvConf.servers(file))))
                .map(setting -> parse(setting, Parameter.DNS, ParameterText::addresses))
                .orElse(List.of());
        if (servers.isEmpty()) {
            LOG.log(
                    Level.WARNING,
                    "--redirect-dns has no effect because no DNS server is known: set --dns-servers or"
                            + " --capture-all-dns");
            return new DnsCapture.Off();
        }
        return new DnsCapture.Servers(servers);
    }

    private <T> Selection<T> unsaid() {
        return allByDefault ? Selection.all() : Selection.none();
    }

    private List<Long> defaultProxyUids() {
        Optional<String> user =
                settings.variable("ENVOY_USER").map(Setting::text).or(surroundings::proxyUser);
        OptionalLong uid =
                user.map(name -> surroundings.accounts().userId(name)).orElse(OptionalLong.empty());
        if (uid.isPresent()) {
            builder.origin(Parameter.PROXY_UIDS, "user " + user.orElseThrow());
        }
        return List.of(uid.orElse(RedirectParameters.DEFAULT_PROXY_ID));
    }

    private void number(
            IptablesFlag flag,
            Parameter parameter,
            BiFunction<String, String, Integer> parser,
            Consumer<Integer> receiver) {
        settings.nonEmptyText(flag)
                .map(setting -> parse(setting, parameter, parser))
                .ifPresent(receiver);
    }

    private <T> void list(
            IptablesFlag flag,
            Parameter parameter,
            BiFunction<String, String, List<T>> parser,
            Consumer<List<T>> receiver) {
        settings.text(flag).map(setting -> parse(setting, parameter, parser)).ifPresent(receiver);
    }

    private <T> T parse(Setting setting, Parameter parameter, BiFunction<String, String, T> parser) {
        T value = parser.apply(setting.where(), setting.text());
        builder.origin(parameter, setting.where());
        return value;
    }

    private Selection<Long> groupSelection(String where, String text) {
        return ParameterText.groupSelection(where, text, surroundings.accounts()::groupId);
    }

    private List<Long> groups(String where, String text) {
        return ParameterText.groups(where, text, surroundings.accounts()::groupId);
    }

    private static InterceptionMode mode(String where, String text) {
        if (text.strip().equals("NONE")) {
            throw new InvalidParameterException(
                    where, text, "it must be REDIRECT or TPROXY; to redirect nothing, do not run this command");
        }
        return ParameterText.mode(where, text);
    }

    private static int positive(String where, String text) {
        return (int) ParameterText.number(where, text, 1, MAX_NUMBER);
    }
}
