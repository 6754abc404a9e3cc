// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.telemetry;

import static java.util.Objects.requireNonNull;

import dev.meshcni.api.CniCommand;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.config.ProductVersion;
import dev.meshcni.core.Answer;
import dev.meshcni.core.PluginErrorCode;
import dev.meshcni.http.HttpRefusal;
import io.prometheus.metrics.config.MetricsProperties;
import io.prometheus.metrics.config.PrometheusProperties;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The metrics of this daemon, for Prometheus: Istio's metrics under their names, so that dashboards and alerts go on
 * working, and our own, which start with {@code meshcni_}. All are registered when it is made, those of ambient mode by
 * {@link #meshBy}, and stay. {@code docs/metrics.md} explains them.
 */
public final class AgentMetrics {
    /** The value of {@code result} for an installation that succeeded. */
    public static final String INSTALL_SUCCESS = "SUCCESS";

    /** The value of {@code result} for a plugin that could not be copied. */
    public static final String INSTALL_BINARIES_FAILED = "COPY_BINARIES_FAILURE";

    /** The value of {@code result} for a CNI configuration that could not be written. */
    public static final String INSTALL_CONF_FAILED = "CREATE_CNI_CONFIG_FAILURE";

    private static final Set<String> VERBS =
            Arrays.stream(CniCommand.values()).map(Enum::name).collect(Collectors.toUnmodifiableSet());
    private static final String UNKNOWN_VERB = "other";

    /** The values of {@code type} for repair actions. */
    private static final List<String> REPAIRS = List.of("repair", "delete", "label");

    /** The values of {@code result} for repair actions. */
    private static final List<String> REPAIR_RESULTS = List.of("success", "fail", "skip");

    /** The values of {@code type} for changes that ambient mode looks at. */
    private static final List<String> RECONCILE_EVENTS = List.of("add", "update", "delete");

    /** The errors with which ADD fails for good. */
    private static final List<Integer> ADD_FAILURES = List.of(
            ErrorCode.INVALID_ENVIRONMENT,
            ErrorCode.INVALID_NETWORK_CONFIG,
            PluginErrorCode.INVALID_POD,
            PluginErrorCode.REDIRECT_FAILED,
            PluginErrorCode.INVALID_PREV_RESULT,
            PluginErrorCode.INTERNAL);

    private static final double[] SECONDS = {
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60
    };

    /** An exemplar is a trace's number, and there are no traces here: looking for one takes a thread of its own. */
    private static final PrometheusProperties PROPERTIES = PrometheusProperties.builder()
            .defaultMetricsProperties(
                    MetricsProperties.builder().exemplarsEnabled(false).build())
            .build();

    private final PrometheusRegistry registry = new PrometheusRegistry();
    private final ExpositionFormats formats = ExpositionFormats.init();

    private final Counter installs = Counter.builder(PROPERTIES)
            .name("istio_cni_installs_total")
            .help("Attempts to install the plugin and its configuration")
            .labelNames("result")
            .register(registry);
    private final Gauge installReady = Gauge.builder(PROPERTIES)
            .name("istio_cni_install_ready")
            .help("1 if plugin and configuration are installed, otherwise 0")
            .register(registry);
    private final Counter podsRepaired = Counter.builder(PROPERTIES)
            .name("istio_cni_repair_pods_repaired_total")
            .help("Repair actions for pods without redirection, by type and result")
            .labelNames("type", "result")
            .register(registry);
    private final Counter calls = Counter.builder(PROPERTIES)
            .name("meshcni_calls_total")
            .help("Plugin calls, by verb, outcome and reason")
            .labelNames("verb", "outcome", "reason")
            .register(registry);
    private final Histogram callSeconds = Histogram.builder(PROPERTIES)
            .name("meshcni_call_duration_seconds")
            .help("Time from a call's arrival at the agent to its answer, in seconds")
            .labelNames("verb")
            .classicOnly()
            .classicUpperBounds(SECONDS)
            .register(registry);
    private final Gauge callsInFlight = Gauge.builder(PROPERTIES)
            .name("meshcni_calls_in_flight")
            .help("Plugin calls in progress")
            .register(registry);
    private final Counter rulesApplied = Counter.builder(PROPERTIES)
            .name("meshcni_rules_applied_total")
            .help("Rules applied and verified by ADD and repair")
            .register(registry);
    private final Counter uncoveredAddresses = Counter.builder(PROPERTIES)
            .name("meshcni_uncovered_ipv6_addresses_total")
            .help("IPv6 addresses of redirected pods whose traffic bypasses the proxy, because it does not listen"
                    + " on IPv6")
            .register(registry);
    private final Counter confRewrites = Counter.builder(PROPERTIES)
            .name("meshcni_conf_rewrites_total")
            .help("Times that plugin or configuration had to be restored because another component changed them")
            .register(registry);
    private final Gauge driftedPods = Gauge.builder(PROPERTIES)
            .name("meshcni_drifted_pods")
            .help("Running pods whose redirection is missing or differs from the expected rules, as of their last"
                    + " inspection")
            .register(registry);
    private final Gauge unredirectedPods = Gauge.builder(PROPERTIES)
            .name("meshcni_unredirected_pods")
            .help("Running pods without any redirection, as of their last inspection")
            .register(registry);
    private final Gauge repairSuspended = Gauge.builder(PROPERTIES)
            .name("meshcni_repair_suspended")
            .help("1 while pods without redirection are kept because replacements would not be redirected either,"
                    + " otherwise 0")
            .register(registry);
    private final Gauge unreadablePods = Gauge.builder(PROPERTIES)
            .name("meshcni_unreadable_pods")
            .help("Running pods whose rules cannot be read, as of the last round")
            .register(registry);
    private final Counter httpRefused = Counter.builder(PROPERTIES)
            .name("meshcni_http_refused_total")
            .help("Connections and requests rejected on the health and monitoring ports, by port and reason")
            .labelNames("port", "reason")
            .register(registry);
    private final Gauge skewedProxies = Gauge.builder(PROPERTIES)
            .name("meshcni_proxies_out_of_skew")
            .help("Proxies of this node that are more than one minor version from the Istio version of this build")
            .register(registry);

    private final Counter reconcileEvents = Counter.builder(PROPERTIES)
            .name("nodeagent_reconcile_events_total")
            .help("Changes of pods that ambient mode has looked at, by type")
            .labelNames("type")
            .register(registry);
    private final Counter meshRestored = Counter.builder(PROPERTIES)
            .name("meshcni_mesh_restored_total")
            .help("Times that rules, listeners, exemptions or annotations of the ambient mesh were changed and"
                    + " restored")
            .register(registry);

    /**
     * @param attachments the number of attachments that are redirected
     * @param pods the number of pods that are known
     * @param lookUps how often a pod had to be asked for by name
     */
    public AgentMetrics(IntSupplier attachments, IntSupplier pods, LongSupplier lookUps) {
        requireNonNull(attachments, "attachments is null");
        requireNonNull(pods, "pods is null");
        requireNonNull(lookUps, "lookUps is null");
        gauge("meshcni_heap_used_bytes", "Heap in use, including garbage, in bytes", HeapWatch::used);
        gauge("meshcni_heap_max_bytes", "Maximum heap size, in bytes", Runtime.getRuntime()::maxMemory);
        gauge("meshcni_attachments", "Attachments redirected by this agent and not deleted yet", attachments::getAsInt);
        gauge("meshcni_pods_known", "Pods of this node received from the watch", pods::getAsInt);
        CounterWithCallback.builder()
                .name("meshcni_pod_api_lookups_total")
                .help("Pods looked up by name because the watch did not deliver them in time")
                .callback(callback -> callback.call((double) lookUps.getAsLong()))
                .register(registry);
        Gauge.builder(PROPERTIES)
                .name("meshcni_build_info")
                .help("Build information; always 1, with the version as a label")
                .labelNames("version")
                .register(registry)
                .labelValues(ProductVersion.text())
                .set(1);
        ProcessMetrics.register(registry);
        beginAtZero();
    }

    /** Serves the first of a kind as an increase, which Prometheus sees only where there was a 0 before. */
    private void beginAtZero() {
        List.of(INSTALL_SUCCESS, INSTALL_BINARIES_FAILED, INSTALL_CONF_FAILED).forEach(installs::initLabelValues);
        REPAIRS.forEach(type -> REPAIR_RESULTS.forEach(result -> podsRepaired.initLabelValues(type, result)));
        String add = CniCommand.ADD.name();
        calls.initLabelValues(add, Answer.Outcome.REDIRECTED.label(), "");
        calls.initLabelValues(add, Answer.Outcome.RETRY.label(), "error-" + ErrorCode.TRY_AGAIN_LATER);
        ADD_FAILURES.forEach(code -> calls.initLabelValues(add, Answer.Outcome.FAILED.label(), "error-" + code));
        callSeconds.initLabelValues(add);
        RECONCILE_EVENTS.forEach(reconcileEvents::initLabelValues);
    }

    /**
     * From now on serves the state of ambient mode on this node. Other nodes have none of these metrics, so that an
     * alert about a missing ztunnel concerns only those that need one.
     */
    public void meshBy(Supplier<MeshNumbers> numbers) {
        requireNonNull(numbers, "numbers is null");
        gauge(
                "ztunnel_connected",
                "Connections of ztunnel to this node's agent",
                () -> numbers.get().ztunnels());
        gauge(
                "meshcni_mesh_pods",
                "Pods of this node that the ambient mesh has or is to have",
                () -> numbers.get().pods());
        gauge(
                "meshcni_mesh_pods_pending",
                "Pods of this node that are not in the ambient mesh as they should be, or still in it",
                () -> numbers.get().pending());
    }

    /** Counts a change of a pod that ambient mode has heard of: {@code add}, {@code update} or {@code delete}. */
    public void reconciled(String type) {
        reconcileEvents.labelValues(type).inc();
    }

    /** Counts that something of the mesh was changed by others and restored. */
    public void meshRestored() {
        meshRestored.inc();
    }

    /** Counts a call of the plugin that begins. */
    public void callStarted() {
        callsInFlight.inc();
    }

    /** Counts a call of the plugin that has ended, answered or not. */
    public void callEnded() {
        callsInFlight.dec();
    }

    /** Counts an installation, by one of the results of this class or a further one in their style. */
    public void installed(String result) {
        installs.labelValues(result).inc();
        installReady(result.equals(INSTALL_SUCCESS));
    }

    /** Says whether plugin and configuration are installed now. */
    public void installReady(boolean ready) {
        installReady.set(ready ? 1 : 0);
    }

    /** Counts a restoration of plugin or configuration. */
    public void confRewritten() {
        confRewrites.inc();
    }

    /** Counts a pod that was dealt with by repair. */
    public void repaired(String type, String result) {
        podsRepaired.labelValues(type, result).inc();
    }

    public void applied(int rules, int uncovered) {
        rulesApplied.inc(rules);
        uncoveredAddresses.inc(uncovered);
    }

    public void drifted(int pods) {
        driftedPods.set(pods);
    }

    /** Says how many pods have no redirection, which are among the drifted ones. */
    public void unredirected(int pods) {
        unredirectedPods.set(pods);
    }

    /** Says whether repair waits until the node can redirect replacements. */
    public void repairSuspended(boolean suspended) {
        repairSuspended.set(suspended ? 1 : 0);
    }

    public void skewed(int proxies) {
        skewedProxies.set(proxies);
    }

    /** Says how many pods have rules that cannot be read. */
    public void unreadable(int pods) {
        unreadablePods.set(pods);
    }

    /** Returns a counter of rejections on the port with this name. */
    public Consumer<HttpRefusal> httpRefusals(String port) {
        for (HttpRefusal refusal : HttpRefusal.values()) {
            httpRefused.initLabelValues(port, refusal.label());
        }
        return refusal -> httpRefused.labelValues(port, refusal.label()).inc();
    }

    /** Returns the writer for the format that an HTTP {@code Accept} header requests. */
    public ExpositionFormatWriter writer(String accept) {
        return formats.findWriter(accept);
    }

    public void write(ExpositionFormatWriter writer, OutputStream out) throws IOException {
        writer.write(out, registry.scrape());
    }

    /** Counts and times the answer to a call of the plugin. */
    public void answered(Answer answer, Duration time) {
        String verb = VERBS.contains(answer.command()) ? answer.command() : UNKNOWN_VERB;
        calls.labelValues(verb, answer.outcome().label(), answer.cause()).inc();
        callSeconds.labelValues(verb).observe(time.toNanos() / 1e9);
        applied(answer.effect().rules(), answer.effect().uncovered());
    }

    private void gauge(String name, String help, LongSupplier value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .callback(callback -> callback.call((double) value.getAsLong()))
                .register(registry);
    }
}
