package dev.meshcni.daemon;

import dev.meshcni.api.ChainAdapters;
import dev.meshcni.core.Backends;
import dev.meshcni.core.PluginHandler;
import dev.meshcni.core.PrevResultCheck;
import dev.meshcni.core.spi.PodSource;
import dev.meshcni.core.spi.RedirectBackend;
import java.nio.file.Path;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code install-cni}, the daemon of a node: everything it is made of is put together here. */
@Command(
        name = "install-cni",
        mixinStandardHelpOptions = true,
        versionProvider = ProductVersion.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = "The node daemon of mesh-cni: answers the plugin istio-cni for every pod of this node.",
        footer = {
            "",
            "Each option can also be given as an environment variable: its name in upper case with _ for -,",
            "such as CNI_AGENT_RUN_DIR. Logs go to standard error. The daemon ends on SIGTERM."
        })
public final class InstallCni implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(InstallCni.class);

    @Mixin
    private DaemonOptions options;

    @Mixin
    private PluginOptions plugin;

    @Mixin
    private InstallerOptions installer;

    @Spec
    private CommandSpec spec;

    private final CountDownLatch stop = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);

    private InstallCni() {}

    /** Runs the daemon until it is told to end; exit code 0 ok, 1 failed, 2 usage. */
    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new InstallCni());
        commandLine.setDefaultValueProvider(new EnvironmentDefaults(System.getenv()));
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.setExecutionExceptionHandler((failure, command, _) -> {
            command.getErr().println("install-cni: " + failure.getMessage());
            return CommandLine.ExitCode.SOFTWARE;
        });
        return commandLine;
    }

    @Override
    public Integer call() throws InterruptedException {
        LogSetup.configure(options.logLevel(), options.logFormat());
        Runtime.getRuntime().addShutdownHook(new Thread(this::shutDown, "shutdown"));
        try {
            serve();
        } finally {
            ended.countDown();
        }
        return CommandLine.ExitCode.OK;
    }

    private void serve() throws InterruptedException {
        Backends backends = backends();
        ChainAdapters adapters = installer.adapters();
        try (PodSource pods = podSource()) {
            PluginHandler handler = new PluginHandler(pods, backends, new PrevResultCheck(adapters), options.podWait());
            try (AgentServer agent =
                    AgentServer.start(plugin.agentRunDirectory(), handler::handle, options.callTimeout())) {
                LOG.info("the agent answers on {}", agent.socket());
                if (options.noInstall()) {
                    stop.await();
                } else {
                    install(adapters);
                }
                LOG.info("the agent ends");
            }
        }
    }

    /** Installs, now that somebody answers the plugin, and keeps it so until the end. */
    private void install(ChainAdapters adapters) throws InterruptedException {
        Installer node = Installer.of(installer.settings(plugin), adapters, InstallEvents.none());
        try (NodeInstallation _ = NodeInstallation.start(node, ShutdownReason.unknown())) {
            stop.await();
        }
    }

    private Backends backends() {
        Backends backends = Backends.of(ServiceLoader.load(RedirectBackend.class));
        LOG.info("redirection by {}", backends.named(Backends.DEFAULT).detect());
        if (plugin.nativeNftables()) {
            LOG.info("redirection by {}", backends.named(Backends.NFTABLES).detect());
        }
        return backends;
    }

    private PodSource podSource() {
        Path directory = options.podManifestDirectory()
                .orElseThrow(() -> new ParameterException(
                        spec.commandLine(),
                        "Missing option: --pod-manifest-dir (this version has no other source of pods yet)"));
        LOG.info("pods come from the manifests in {}", directory);
        return new ManifestPodSource(directory);
    }

    private void shutDown() {
        stop.countDown();
        try {
            ended.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
