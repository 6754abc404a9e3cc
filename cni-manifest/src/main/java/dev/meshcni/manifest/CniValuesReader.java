// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static java.util.Objects.requireNonNull;
import static java.util.Objects.requireNonNullElse;

import dev.meshcni.config.LogLevels;
import dev.meshcni.config.ProductVersion;
import dev.meshcni.manifest.CniValues.Additions;
import dev.meshcni.manifest.CniValues.Ambient;
import dev.meshcni.manifest.CniValues.DaemonPod;
import dev.meshcni.manifest.CniValues.Image;
import dev.meshcni.manifest.CniValues.Logging;
import dev.meshcni.manifest.CniValues.OwnedConf;
import dev.meshcni.manifest.CniValues.Plugin;
import dev.meshcni.manifest.CniValues.Repair;
import dev.meshcni.manifest.CniValues.Scope;
import dev.meshcni.manifest.Platform.NodeLayout;
import dev.meshcni.repair.RepairSettings;
import io.fabric8.kubernetes.api.model.Affinity;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.ResourceRequirementsBuilder;
import io.fabric8.kubernetes.api.model.SELinuxOptions;
import io.fabric8.kubernetes.api.model.SELinuxOptionsBuilder;
import io.fabric8.kubernetes.api.model.SeccompProfile;
import io.fabric8.kubernetes.api.model.Toleration;
import io.fabric8.kubernetes.api.model.TolerationBuilder;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.DaemonSetUpdateStrategy;
import io.fabric8.kubernetes.api.model.apps.DaemonSetUpdateStrategyBuilder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Reads {@code values.cni} with what {@code components.cni.k8s} and {@code values.global} add to it. The keys are those
 * of Istio's charts; docs/settings.md lists them.
 */
final class CniValuesReader {
    static final String MULTUS_CONF_DIR = "/etc/cni/multus/net.d";

    private static final String DEFAULT_HUB = "localhost";
    private static final String DEFAULT_IMAGE = "mesh-cni";
    private static final Pattern ISTIOS_IMAGE =
            Pattern.compile("(?:.*/)?(?:install-cni|operator|pilot|proxyv2|ztunnel)(?:[:@].*)?");
    private static final Pattern ISTIOS_HUB =
            Pattern.compile("(?:docker\\.io/istio|gcr\\.io/istio-(?:release|testing)|registry\\.istio\\.io(?:/.*)?)/*");
    private static final String MULTUS_CONF = "istio-cni.conf";
    private static final int DEFAULT_QUOTA = 5000;

    /** Long enough to ask whether this is an uninstallation, and to clean up if it is. */
    private static final int DEFAULT_GRACE_SECONDS = 30;

    private static final String ANY = "any";
    private static final String DEFAULT_ARCHITECTURE = "amd64";
    private static final Set<String> ARCHITECTURES = Set.of(ANY, DEFAULT_ARCHITECTURE, "arm64");
    private static final Set<String> PULL_POLICIES = Set.of("Always", "IfNotPresent", "Never");
    private static final Set<String> LEVELS =
            Arrays.stream(LogLevels.Level.values()).map(LogLevels.Level::label).collect(Collectors.toSet());
    private static final Set<String> SCOPES = Set.of("all", "cluster", "namespace", "undefined");
    private static final Set<String> RESERVED_ENV = Set.of(
            "NODE_NAME",
            "REPAIR_NODE_NAME",
            "POD_NAME",
            "POD_NAMESPACE",
            "CNI_BIN_DIR_ON_HOST",
            DaemonEnvironment.AMBIENT_ENABLED);

    private final SettingsSection cni;
    private final SettingsSection k8s;
    private final SettingsSection global;
    private final Platform platform;

    /**
     * @param cni {@code values.cni}
     * @param k8s {@code components.cni.k8s}
     * @param global {@code values.global}
     */
    CniValuesReader(SettingsSection cni, SettingsSection k8s, SettingsSection global, Platform platform) {
        this.cni = requireNonNull(cni, "cni is null");
        this.k8s = requireNonNull(k8s, "k8s is null");
        this.global = requireNonNull(global, "global is null");
        this.platform = requireNonNull(platform, "platform is null");
    }

    /**
     * Reads everything.
     *
     * @param component {@code components.cni}
     * @param ambient the ambient mode, if it is on
     * @param injected whether the injector annotates pods for Multus
     * @param kubernetes the version of the cluster, if it is known
     */
    CniValues read(
            String namespace,
            String revision,
            SettingsSection component,
            Optional<Ambient> ambient,
            boolean injected,
            Optional<KubernetesVersion> kubernetes) {
        NodeLayout node = node();
        boolean openShift = platform == Platform.OPENSHIFT || node.conf().equals(MULTUS_CONF_DIR);
        Plugin plugin = plugin(openShift, injected);
        return new CniValues(
                namespace,
                revision,
                image(component),
                node,
                plugin,
                logging(),
                repair(),
                ambient,
                pod(openShift),
                monitoring(),
                openShift,
                kubernetes,
                scope(),
                networkPolicy(),
                quota(namespace));
    }

    private NodeLayout node() {
        NodeLayout usual = platform.layout();
        return new NodeLayout(
                cni.directory("cniBinDir").orElse(usual.bin()),
                cni.directory("cniConfDir").orElse(usual.conf()),
                cni.directory("cniNetnsDir").orElse(usual.netns()));
    }

    private Plugin plugin(boolean openShift, boolean injected) {
        boolean chained = cni.flag("chained").orElse(platform != Platform.OPENSHIFT);
        Optional<String> provider = cni.oneOf("provider", Set.of("default", "multus"));
        boolean multus = provider.map("multus"::equals).orElse(!chained && (openShift || injected));
        Optional<String> confName = cni.text("cniConfFileName");
        if (confName.filter(name -> name.contains("/")).isPresent()) {
            cni.problem("cniConfFileName", "must be a file name, not a path: set the directory with cniConfDir");
        }
        return new Plugin(
                chained,
                confName.or(() -> multus && !chained ? Optional.of(MULTUS_CONF) : Optional.empty()),
                ownedConf(chained),
                multus,
                cni.texts("excludeNamespaces").orElse(List.of("kube-system")),
                cni.flag("nativeNftables")
                        .or(() -> global.flag("nativeNftables"))
                        .orElse(false),
                cni.flag("nodeTaint").orElse(false),
                env());
    }

    private Map<String, String> env() {
        Map<String, String> env = cni.map("env");
        env.keySet().stream()
                .filter(RESERVED_ENV::contains)
                .forEach(name -> cni.problem("env", "must not contain " + name + ", which the manifests set"));
        return env;
    }

    private Image image(SettingsSection component) {
        String image = cni.text("image").orElse(DEFAULT_IMAGE);
        if (ISTIOS_IMAGE.matcher(image).matches()) {
            cni.problem(
                    "image",
                    "is '" + image + "', which is an image of Istio's; set the image of mesh-cni, or remove the key");
        }
        Optional<String> hub = hub(cni);
        Optional<String> componentHub = hub(component);
        Optional<String> tag = cni.text("tag");
        Optional<String> componentTag = component.text("tag");
        String reference = image.contains("/")
                ? image
                : componentHub.or(() -> hub).orElse(DEFAULT_HUB) + "/" + image + ":"
                        + componentTag.or(() -> tag).orElse(ProductVersion.text());
        Optional<String> policy = cni.oneOf("pullPolicy", PULL_POLICIES);
        Optional<String> componentPolicy = k8s.oneOf("imagePullPolicy", PULL_POLICIES);
        Optional<String> globalPolicy = global.oneOf("imagePullPolicy", PULL_POLICIES);
        return new Image(
                reference,
                componentPolicy.or(() -> policy).or(() -> globalPolicy).orElse("IfNotPresent"),
                global.texts("imagePullSecrets").orElse(List.of()));
    }

    private static Optional<String> hub(SettingsSection section) {
        Optional<String> hub = section.text("hub");
        if (hub.filter(name -> ISTIOS_HUB.matcher(name).matches()).isPresent()) {
            section.problem(
                    "hub",
                    "is '" + hub.get() + "', which holds Istio's images; set the registry to which the image of"
                            + " mesh-cni was pushed");
        }
        return hub;
    }

    private Logging logging() {
        LogLevels levels;
        try (SettingsSection logging = cni.section("logging");
                SettingsSection globalLogging = global.section("logging")) {
            Optional<LogLevels> general = levels(globalLogging);
            levels = levels(logging).or(() -> general).orElseGet(() -> LogLevels.parse("info"));
        }
        Optional<String> plugin = cni.oneOf("logLevel", LEVELS);
        return new Logging(
                plugin.or(() -> levels.plugin().map(LogLevels.Level::label)).orElse("info"),
                levels.daemon().label(),
                global.flag("logAsJson").orElse(false));
    }

    private static Optional<LogLevels> levels(SettingsSection logging) {
        try {
            return logging.text("level").map(LogLevels::parse);
        } catch (IllegalArgumentException e) {
            logging.problem("level", e.getMessage());
            return Optional.empty();
        }
    }

    private Repair repair() {
        try (SettingsSection repair = cni.section("repair")) {
            boolean delete = repair.flag("deletePods").orElse(false);
            boolean label = repair.flag("labelPods").orElse(false);
            boolean mend = repair.flag("repairPods").orElse(!delete && !label);
            Repair.Mode other = delete ? Repair.Mode.DELETE : label ? Repair.Mode.LABEL : Repair.Mode.REPORT;
            return new Repair(
                    repair.flag("enabled").orElse(true),
                    mend ? Repair.Mode.REPAIR : other,
                    repair.text("initContainerName").orElse(RepairSettings.VALIDATION),
                    repair.text("brokenPodLabelKey").orElse(RepairSettings.LABEL_KEY),
                    repair.text("brokenPodLabelValue").orElse(RepairSettings.LABEL_VALUE));
        }
    }

    private DaemonPod pod(boolean openShift) {
        Map<String, String> annotations = new LinkedHashMap<>(k8s.map("podAnnotations"));
        annotations.putAll(cni.map("podAnnotations"));
        Map<String, String> nodeSelector = new LinkedHashMap<>(cni.map("nodeSelector"));
        nodeSelector.putAll(k8s.map("nodeSelector"));
        Optional<String> priorityClass = cni.text("priorityClassName");
        Optional<SELinuxOptions> openShiftLabel = openShift
                ? Optional.of(new SELinuxOptionsBuilder().withType("spc_t").build())
                : Optional.empty();
        return new DaemonPod(
                cni.flag("privileged").orElse(false),
                labels("daemonSetLabels"),
                labels("podLabels"),
                annotations,
                either("affinity", Affinity.class).filter(affinity -> !affinity.equals(new Affinity())),
                Optional.of(cni.oneOf("architecture", ARCHITECTURES).orElse(DEFAULT_ARCHITECTURE))
                        .filter(name -> !name.equals(ANY)),
                nodeSelector,
                k8s.text("priorityClassName").or(() -> priorityClass).orElse(DaemonSetManifest.PRIORITY),
                tolerations(),
                either("resources", ResourceRequirements.class)
                        .filter(resources -> !resources.equals(new ResourceRequirements()))
                        .orElseGet(CniValuesReader::usualResources),
                cni.kubernetes("seccompProfile", SeccompProfile.class)
                        .filter(profile -> profile.getType() != null)
                        .orElseGet(() -> new SeccompProfile(null, "RuntimeDefault")),
                cni.kubernetes("seLinuxOptions", SELinuxOptions.class)
                        .filter(options -> !options.equals(new SELinuxOptions()))
                        .or(() -> openShiftLabel),
                updateStrategy(),
                cni.number("terminationGracePeriodSeconds").orElse(DEFAULT_GRACE_SECONDS),
                additions());
    }

    private Additions additions() {
        List<EnvVar> env = k8s.kubernetesList("env", EnvVar.class).orElse(List.of());
        env.stream()
                .map(variable -> requireNonNullElse(variable.getName(), ""))
                .filter(name -> name.isEmpty() || RESERVED_ENV.contains(name))
                .forEach(name -> k8s.problem(
                        "env",
                        name.isEmpty()
                                ? "has a variable without a name"
                                : "must not contain " + name + ", which the manifests set"));
        return new Additions(
                env,
                k8s.kubernetes("readinessProbe", Probe.class),
                k8s.kubernetes("securityContext", PodSecurityContext.class),
                both("extraVolumes", "volumes", Volume.class),
                both("extraVolumeMounts", "volumeMounts", VolumeMount.class));
    }

    /** The entries of a list of the values, and those of one of the component. */
    private <T> List<T> both(String ofValues, String ofComponent, Class<T> type) {
        List<T> all = new ArrayList<>(cni.kubernetesList(ofValues, type).orElse(List.of()));
        all.addAll(k8s.kubernetesList(ofComponent, type).orElse(List.of()));
        return all;
    }

    private CniValues.Monitoring monitoring() {
        try (SettingsSection podMonitor = cni.section("podMonitor");
                SettingsSection alerts = cni.section("prometheusRule");
                SettingsSection dashboard = cni.section("dashboard")) {
            CniValues.PodMonitor monitor = new CniValues.PodMonitor(
                    podMonitor.map("labels"), podMonitor.text("interval").orElse("30s"));
            CniValues.Alerts found = new CniValues.Alerts(alerts.map("labels"), alerts.text("runbookUrl"));
            return new CniValues.Monitoring(
                    podMonitor.flag("enabled").filter(on -> on).map(_ -> monitor),
                    alerts.flag("enabled").filter(on -> on).map(_ -> found),
                    dashboard.flag("enabled").orElse(false));
        }
    }

    /** More labels; those that selectors go by are the manifests' own. */
    private Map<String, String> labels(String key) {
        Map<String, String> labels = cni.map(key);
        labels.keySet().stream()
                .filter(DaemonSetManifest.LABELS::contains)
                .sorted()
                .forEach(name -> cni.problem(key, "must not contain " + name + ", which the manifests set"));
        return labels;
    }

    private <T> Optional<T> either(String key, Class<T> type) {
        Optional<T> value = cni.kubernetes(key, type);
        return k8s.kubernetes(key, type).or(() -> value);
    }

    /** All taints: a node without the daemon is a node on which no injected pod starts. */
    private List<Toleration> tolerations() {
        Optional<List<Toleration>> values = cni.kubernetesList("tolerations", Toleration.class);
        return k8s.kubernetesList("tolerations", Toleration.class)
                .or(() -> values)
                .orElseGet(() ->
                        List.of(new TolerationBuilder().withOperator("Exists").build()));
    }

    private static ResourceRequirements usualResources() {
        return new ResourceRequirementsBuilder()
                .addToRequests("cpu", new Quantity("100m"))
                .addToRequests("memory", new Quantity("96Mi"))
                .addToLimits("memory", new Quantity("256Mi"))
                .build();
    }

    /** The new pod of a node comes before the old one goes, unless a number of nodes may be without a daemon. */
    private DaemonSetUpdateStrategy updateStrategy() {
        Optional<DaemonSetUpdateStrategy> strategy = cni.kubernetes("updateStrategy", DaemonSetUpdateStrategy.class);
        String unavailable = cni.text("rollingMaxUnavailable").orElse("0");
        if (!unavailable.matches("[0-9]{1,9}%?")) {
            cni.problem("rollingMaxUnavailable", "is '" + unavailable + "', but must be a number or a percentage");
            return new DaemonSetUpdateStrategy();
        }
        IntOrString value = unavailable.endsWith("%")
                ? new IntOrString(unavailable)
                : new IntOrString(Integer.valueOf(unavailable));
        boolean surge = unavailable.matches("0+%?");
        return strategy.orElseGet(() -> new DaemonSetUpdateStrategyBuilder()
                .withType("RollingUpdate")
                .withNewRollingUpdate()
                .withMaxSurge(new IntOrString(surge ? 1 : 0))
                .withMaxUnavailable(surge ? new IntOrString(0) : value)
                .endRollingUpdate()
                .build());
    }

    private OptionalInt quota(String namespace) {
        try (SettingsSection quota = cni.section("resourceQuotas")) {
            boolean needed = platform == Platform.GKE && !namespace.equals("kube-system");
            boolean enabled = quota.flag("enabled").orElse(needed);
            int pods = quota.number("pods").orElse(DEFAULT_QUOTA);
            return enabled ? OptionalInt.of(pods) : OptionalInt.empty();
        }
    }

    private boolean networkPolicy() {
        try (SettingsSection policy = global.section("networkPolicy")) {
            return policy.flag("enabled").orElse(false);
        }
    }

    private Scope scope() {
        return global.oneOf("resourceScope", SCOPES)
                .filter(name -> !name.equals("undefined"))
                .map(name -> Scope.valueOf(name.toUpperCase(Locale.ROOT)))
                .orElse(Scope.ALL);
    }

    private Optional<OwnedConf> ownedConf(boolean chained) {
        boolean owned = cni.flag("istioOwnedCNIConfig").orElse(false);
        if (owned && !chained) {
            cni.problem("istioOwnedCNIConfig", "is true, but the plugin is not chained: set chained to true as well");
        }
        Optional<String> name = cni.text("istioOwnedCNIConfigFileName");
        if (name.filter(file -> !file.matches("[^/]*\\.conflist")).isPresent()) {
            cni.problem("istioOwnedCNIConfigFileName", "must be a file name that ends in .conflist");
        }
        return owned ? Optional.of(new OwnedConf(name)) : Optional.empty();
    }
}
