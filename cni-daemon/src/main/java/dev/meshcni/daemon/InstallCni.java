// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.config.DaemonException;
import dev.meshcni.config.EnvironmentDefaults;
import dev.meshcni.config.HelpText;
import dev.meshcni.config.LogLevels;
import dev.meshcni.config.ProductVersion;
import dev.meshcni.config.TruthValue;
import dev.meshcni.config.UsageError;
import dev.meshcni.core.AmbientMesh;
import dev.meshcni.core.Backends;
import dev.meshcni.core.OneLine;
import dev.meshcni.core.PluginHandler;
import dev.meshcni.core.PrevResultCheck;
import dev.meshcni.core.spi.PodSource;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.enrolment.AmbientNode;
import dev.meshcni.enrolment.EnrolmentOptions;
import dev.meshcni.enrolment.EnrolmentSettings;
import dev.meshcni.host.linux.MappedFiles;
import dev.meshcni.host.linux.ProcessMemory;
import dev.meshcni.install.InstallEvents;
import dev.meshcni.install.Installer;
import dev.meshcni.install.InstallerOptions;
import dev.meshcni.install.KeepingOptions;
import dev.meshcni.install.ManagedInstallation;
import dev.meshcni.install.PluginOptions;
import dev.meshcni.install.ShutdownReason;
import dev.meshcni.install.UninstallStep;
import dev.meshcni.kubernetes.DaemonSetWatch;
import dev.meshcni.kubernetes.KubernetesOptions;
import dev.meshcni.kubernetes.ManifestPodSource;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.repair.NodeTaint;
import dev.meshcni.repair.ProcPodNetnsFinder;
import dev.meshcni.repair.RepairOptions;
import dev.meshcni.telemetry.AgentMetrics;
import dev.meshcni.telemetry.HeapWatch;
import dev.meshcni.telemetry.MonitoringOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code install-cni}, the daemon of a node: everything it is made of is put together here. */
@Command(
        name = "install-cni",
        mixinStandardHelpOptions = true,
        versionProvider = ProductVersion.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        abbreviateSynopsis = true,
        description = "The node daemon of mesh-cni: installs the plugin istio-cni and answers its calls for the"
                + " pods of this node.",
        footer = {
            "",
            "Each option can also be set as an environment variable: its name in upper case with _ for -,",
            "such as CNI_AGENT_RUN_DIR. Logs are written to standard error. SIGTERM stops the daemon,",
            "with exit code 0."
        })
public final class InstallCni implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(InstallCni.class);

    /** The time limit at startup for finding network namespaces that are gone. */
    private static final Duration FORGETTING = Duration.ofSeconds(5);

    @Mixin
    private DaemonOptions options;

    @Mixin
    private PluginOptions plugin;

    @Mixin
    private InstallerOptions installer;

    @Mixin
    private KeepingOptions keeping;

    @Mixin
    private KubernetesOptions kubernetes;

    @Mixin
    private RepairOptions repair;

    @Mixin
    private EnrolmentOptions enrolment;

    @Mixin
    private MonitoringOptions monitoring;

    @Mixin
    private IstioFlags istio;

    private final CountDownLatch stop = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);
    private String redirection = "";
    private boolean fresh;
    private Optional<ManagedInstallation> installation = Optional.empty();
    private volatile int exitCode;

    InstallCni() {}

    /** Runs the daemon until it is stopped; exit code 0 ok, 1 failed, 2 usage. */
    public static void main(String[] args) {
        // Until the options are known; with logback's own defaults even System.exit would print a stack trace.
        LogSetup.configure(LogLevels.Level.WARN, LogSetup.Format.TEXT);
        InstallCni daemon = new InstallCni();
        daemon.exitCode = daemon.commandLine(System.getenv()).execute(args);
        daemon.ended.countDown();
        System.exit(daemon.exitCode);
    }

    /** Its options, with the environment as their defaults. */
    public static CommandLine commandLine() {
        return new InstallCni().commandLine(System.getenv());
    }

    CommandLine commandLine(Map<String, String> environment) {
        CommandLine commandLine = new CommandLine(this);
        commandLine.setDefaultValueProvider(new EnvironmentDefaults(environment));
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        TruthValue.registerIn(commandLine);
        HelpText.keepWords(commandLine);
        commandLine.setParameterExceptionHandler(new UsageError(environment));
        commandLine.setExecutionExceptionHandler((failure, command, _) -> {
            command.getErr().println(OneLine.of("install-cni: " + failure.getMessage()));
            return CommandLine.ExitCode.SOFTWARE;
        });
        return commandLine;
    }

    @Override
    public Integer call() throws InterruptedException {
        LogSetup.configure(options.logLevel(), options.logFormat());
        istio.warn();
        if (!ProcessMemory.keepToItself()) {
            LOG.warn("cannot disable core dumps: a core dump of the daemon would contain its credential");
        }
        Runtime.getRuntime().addShutdownHook(new Thread(this::shutDown, "shutdown"));
        serve();
        return installation.filter(own -> !own.leftovers().isEmpty()).isPresent()
                ? CommandLine.ExitCode.SOFTWARE
                : CommandLine.ExitCode.OK;
    }

    private void serve() throws InterruptedException {
        Path runDirectory = plugin.agentRunDirectory();
        AmbientOptions.Node ambientNode = enrolment.node();
        Optional<EnrolmentSettings> joining = joining();
        Backends backends = backends();
        ChainAdapters adapters = installer.adapters();
        installer.idleJars().forEach(jar -> LOG.warn("{} provides no chain adapter and has no effect", jar));
        try (ResourceStack parts = new ResourceStack()) {
            Optional<KubernetesNode> cluster = cluster(joining).map(parts::add);
            PodSource known = cluster.isPresent() ? cluster.get().pods() : parts.add(manifests());
            PodSource pods = new WarnedPods(
                    known, (pod, warning) -> cluster.ifPresent(node -> node.event(pod, "UnreadAnnotation", warning)));
            PrevResultCheck prevResultCheck = new PrevResultCheck(adapters);
            WarmUp.run(runDirectory, backends, prevResultCheck, plugin.nativeNftables());
            Optional<AmbientNode> ambient =
                    joining.flatMap(settings -> cluster.map(node -> parts.add(ambient(settings, node, backends))));
            NodeReadiness readiness =
                    new NodeReadiness(() -> pods.notReady().or(() -> ambient.flatMap(AmbientNode::notReady)));
            PluginHandler handler = new PluginHandler(
                    pods,
                    readiness.lasting(System::nanoTime),
                    backends,
                    prevResultCheck,
                    options.podWait(),
                    AttachmentFiles.in(runDirectory),
                    ambientNode,
                    ambient.map(AmbientNode::mesh).orElse(AmbientMesh.OF_OTHERS));
            int gone = handler.forgetGone(backends.named(Backends.DEFAULT), FORGETTING);
            LOG.info(
                    "restored {} attachments of an earlier agent, dropped {} whose network namespace is gone",
                    handler.attachments().size(),
                    gone);
            AgentMetrics metrics = metrics(handler, cluster);
            AgentServer agent = parts.add(
                    AgentServer.start(runDirectory, new CountedCalls(handler::handle, metrics), options.callTimeout()));
            LOG.info("agent listening on {}", agent.socket());
            parts.add(AgentlessDecisions.start(runDirectory));
            NodeStatus status = new NodeStatus(
                    readiness,
                    redirection,
                    () -> cluster.map(node -> node.pods().size()).orElse(0));
            ambient.ifPresent(mesh -> status.findingsBy(mesh::findings));
            ambient.ifPresent(mesh -> metrics.meshBy(mesh::numbers));
            ambient.ifPresent(mesh -> mesh.countEvents(metrics::reconciled));
            ambient.ifPresent(mesh -> mesh.countRestorations(metrics::meshRestored));
            install(parts, adapters, metrics, readiness, status, cluster, ambient, agent::isFound);
            parts.add(AgentKeeper.start(agent));
            monitor(parts, metrics, readiness, status, cluster.isPresent());
            parts.add(HeapWatch.start(MappedFiles::release));
            cluster.ifPresent(node -> node.start(
                    plugin.excludedNamespaces(),
                    backends.named(plugin.nativeNftables() ? Backends.NFTABLES : Backends.DEFAULT),
                    handler.attachments(),
                    metrics,
                    new NodeTaint.Situation(readiness, () -> !readiness.isSuperseded(), NodeReadiness.GRACE, fresh),
                    () -> agent.isFound() ? readiness.get() : Optional.of("the plugin cannot reach the agent")));
            cluster.ifPresent(
                    node -> status.findingsBy(parts.add(RightsCheck.start(node.api(), rights(node)))::findings));
            stop.await();
            LOG.info("agent stopping");
        }
    }

    /** Installs the plugin, now that the agent answers it, and maintains the installation until the end. */
    private void install(
            ResourceStack parts,
            ChainAdapters adapters,
            AgentMetrics metrics,
            NodeReadiness readiness,
            NodeStatus status,
            Optional<KubernetesNode> cluster,
            Optional<AmbientNode> ambient,
            BooleanSupplier agentIsFound) {
        if (options.noInstall()) {
            readiness.nothingToInstall();
            return;
        }
        ShutdownReason reason = cluster.map(node -> shutdownReason(parts, node)).orElseGet(ShutdownReason::unknown);
        // The taint last: it keeps pods away while others still leave the mesh.
        UninstallStep further = UninstallStep.all(List.of(
                patience -> ambient.flatMap(mesh -> mesh.uninstall(patience)),
                patience -> cluster.flatMap(node -> node.untaint(patience))));
        InstallEvents events =
                InstallEvents.countedBy(metrics, () -> cluster.ifPresent(KubernetesNode::pluginWasMissing));
        Installer node = Installer.of(installer.settings(plugin, keeping.checkInterval()), adapters, events);
        fresh = !node.isInstalledBefore();
        ManagedInstallation managed = parts.add(ManagedInstallation.start(node, reason, agentIsFound, further));
        readiness.installedBy(managed::state);
        status.installedBy(node);
        installation = Optional.of(managed);
    }

    private List<RequiredRight> rights(KubernetesNode node) {
        List<RequiredRight> rights = node.rights();
        if (enrolment.enabled()) {
            rights.addAll(RequiredRight.ofMesh());
        }
        if (!options.noInstall() && !plugin.podNamespace().isEmpty()) {
            rights.addAll(RequiredRight.ofDaemonSet(plugin.podNamespace(), keeping.daemonSetName()));
        }
        return rights;
    }

    private ShutdownReason shutdownReason(ResourceStack parts, KubernetesNode node) {
        if (plugin.podNamespace().isEmpty()) {
            return ShutdownReason.unknown();
        }
        DaemonSetWatch watch =
                parts.add(DaemonSetWatch.start(node.api(), plugin.podNamespace(), keeping.daemonSetName()));
        return patience ->
                watch.meansUninstall(patience) ? ShutdownReason.Answer.UNINSTALL : ShutdownReason.Answer.RESTART;
    }

    private void monitor(
            ResourceStack parts, AgentMetrics metrics, NodeReadiness readiness, NodeStatus status, boolean inCluster) {
        monitoring
                .healthPort(inCluster)
                .ifPresent(port ->
                        parts.add(HealthServer.start(port, readiness::ofPod, status, metrics.httpRefusals("health"))));
        monitoring.monitoringPort(inCluster).ifPresent(port -> parts.add(MetricsServer.start(port, metrics)));
    }

    private static AgentMetrics metrics(PluginHandler handler, Optional<KubernetesNode> cluster) {
        return new AgentMetrics(
                handler.attachments()::size,
                () -> cluster.map(node -> node.pods().size()).orElse(0),
                () -> cluster.map(node -> node.pods().lookUps()).orElse(0L));
    }

    private Backends backends() {
        Backends found = Backends.of(ServiceLoader.load(RedirectBackend.class));
        Backends ofProgram = options.iptables().map(found::with).orElse(found);
        Backends backends = options.rulesBy().map(ofProgram::by).orElse(ofProgram);
        redirection = backends.named(Backends.DEFAULT).detect();
        LOG.info("redirection backend: {}", redirection);
        if (plugin.nativeNftables()) {
            redirection = backends.named(Backends.NFTABLES).detect();
            LOG.info("redirection backend: {}", redirection);
        }
        return backends;
    }

    /** The cluster that this node belongs to; empty where pods come from manifests. */
    private Optional<KubernetesNode> cluster(Optional<EnrolmentSettings> joining) {
        return options.podManifestDirectory().isPresent()
                ? Optional.empty()
                : Optional.of(KubernetesNode.connect(
                        kubernetes,
                        repair,
                        joining.map(settings -> settings.policy().podLabels()).orElse(Set.of())));
    }

    /** How pods join the mesh of the node's ztunnel; empty if none does. */
    private Optional<EnrolmentSettings> joining() {
        if (!enrolment.enabled()) {
            return Optional.empty();
        }
        if (options.podManifestDirectory().isPresent()) {
            throw new DaemonException("--ambient-enabled needs the API server, and --pod-manifest-dir is set");
        }
        return Optional.of(enrolment.settings(plugin.excludedNamespaces()));
    }

    private AmbientNode ambient(EnrolmentSettings settings, KubernetesNode node, Backends backends) {
        return AmbientNode.start(
                settings,
                node.api(),
                node.pods(),
                backends.named(plugin.nativeNftables() ? Backends.NFTABLES : Backends.DEFAULT),
                ProcPodNetnsFinder.ofHost());
    }

    private PodSource manifests() {
        Path directory = options.podManifestDirectory().orElseThrow();
        LOG.info("reading pods from manifests in {}", directory);
        ManifestPodSource source = new ManifestPodSource(directory);
        source.readAhead();
        return source;
    }

    /**
     * Ends the daemon in order, with its own exit code: for the JVM a signal is a failure (143 after SIGTERM), for
     * systemd, the kubelet and scripts a daemon that stops when it is told to has succeeded.
     */
    private void shutDown() {
        stop.countDown();
        try {
            ended.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(exitCode);
    }
}
