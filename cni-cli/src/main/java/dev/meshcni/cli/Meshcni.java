// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.config.HelpText;
import dev.meshcni.config.LogLevels;
import dev.meshcni.config.ProductVersion;
import dev.meshcni.config.TruthValue;
import dev.meshcni.config.UsageError;
import dev.meshcni.core.OneLine;
import dev.meshcni.daemon.LogSetup;
import dev.meshcni.demo.DemoCommand;
import dev.meshcni.iptables.IptablesCommand;
import dev.meshcni.iptables.ValidateCommand;
import dev.meshcni.usage.KubectlPlugin;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * {@code meshcni}, the command line: shows, explains, applies and verifies the redirection of pods.
 *
 * <p>Results go to standard output, logs and errors to standard error. Exit code 0 ok, 1 failed, 2 usage;
 * {@code validate} ends with 126 when traffic is not redirected.
 */
@Command(
        name = "meshcni",
        versionProvider = ProductVersion.class,
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        sortOptions = false,
        usageHelpAutoWidth = true,
        abbreviateSynopsis = true,
        synopsisSubcommandLabel = "COMMAND",
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:success", "1:failure, see standard error for the reason", "2:usage error"},
        description = "Show, explain, apply and verify the redirection of pod traffic to the sidecar proxy.")
public final class Meshcni implements Runnable {
    private static final Logger LOG = System.getLogger(Meshcni.class.getName());

    /** The property that has the name by which the launcher was called. */
    private static final String PROGRAM = "meshcni.program";

    /** The log level. */
    enum LogLevel {
        debug(LogLevels.Level.DEBUG),
        info(LogLevels.Level.INFO),
        warn(LogLevels.Level.WARN),
        error(LogLevels.Level.ERROR);

        private final LogLevels.Level level;

        LogLevel(LogLevels.Level level) {
            this.level = level;
        }
    }

    @Option(
            names = "--log-level",
            paramLabel = "LEVEL",
            defaultValue = "warn",
            scope = ScopeType.INHERIT,
            description = "Log level, for standard error: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private LogLevel logLevel;

    @Spec
    private CommandSpec spec;

    private Meshcni() {}

    /** Runs a command, and ends the process with its exit code. */
    public static void main(String[] args) {
        LogSetup.configure(LogLevel.warn.level, LogSetup.Format.TEXT);
        CommandLine commandLine = commandLine(System.getenv());
        System.exit(
                switch (System.getProperty(PROGRAM, "")) {
                    case KubectlPlugin.PLUGIN ->
                        KubectlPlugin.named(commandLine).execute(args);
                    case KubectlPlugin.COMPLETION -> complete(commandLine, List.of(args));
                    default -> commandLine.execute(args);
                });
    }

    /** The command line with all commands, which take variables of this environment for flags where they say so. */
    static CommandLine commandLine(Map<String, String> environment) {
        Meshcni root = new Meshcni();
        CommandLine commandLine = new CommandLine(root);
        commandLine.addSubcommand(new RulesCommand());
        commandLine.addSubcommand(new ExplainCommand());
        commandLine.addSubcommand(new VerifyCommand());
        commandLine.addSubcommand(IptablesCommand.commandLine(environment));
        commandLine.addSubcommand(ValidateCommand.commandLine(environment));
        commandLine.addSubcommand(InstallCommand.commandLine(environment));
        commandLine.addSubcommand(UninstallCommand.commandLine(environment));
        commandLine.addSubcommand(DoctorCommand.commandLine(environment));
        commandLine.addSubcommand(new ManifestCommand());
        commandLine.addSubcommand(new StatusCommand());
        commandLine.addSubcommand(new DemoCommand());
        commandLine.addSubcommand(new CompletionCommand());
        commandLine.addSubcommand(new ManPagesCommand());
        commandLine.addSubcommand(new HelpCommand());
        commandLine.addSubcommand(new VersionCommand());
        withoutLogLevel(commandLine, "completion", "help", "version");
        // Trees and explanations draw with more than ASCII, also where the locale is POSIX, as in most containers.
        commandLine.setOut(new PrintWriter(new FileOutputStream(FileDescriptor.out), true, UTF_8));
        commandLine.setErr(new PrintWriter(new FileOutputStream(FileDescriptor.err), true, UTF_8));
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.setExecutionStrategy(parsed -> root.execute(parsed));
        TruthValue.registerIn(commandLine);
        HelpText.keepWords(commandLine);
        commandLine.setParameterExceptionHandler(new UsageError(environment));
        commandLine.setExecutionExceptionHandler((failure, command, _) -> failed(failure, command));
        return commandLine;
    }

    /** Commands that log nothing. */
    private static void withoutLogLevel(CommandLine commandLine, String... commands) {
        for (String name : commands) {
            CommandSpec command = commandLine.getSubcommands().get(name).getCommandSpec();
            command.remove(command.findOption("--log-level"));
        }
    }

    private static int complete(CommandLine commandLine, List<String> words) {
        KubectlPlugin.completions(commandLine, words).forEach(commandLine.getOut()::println);
        return CommandLine.ExitCode.OK;
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    private int execute(ParseResult parsed) {
        LogSetup.configure(logLevel.level, LogSetup.Format.TEXT);
        return new CommandLine.RunLast().execute(parsed);
    }

    private static int failed(Exception failure, CommandLine command) {
        command.getErr().println(OneLine.of(command.getCommandSpec().qualifiedName() + ": " + reason(failure)));
        LOG.log(Level.DEBUG, "stack trace of the failure", failure);
        return CommandLine.ExitCode.SOFTWARE;
    }

    private static String reason(Exception failure) {
        String message = failure.getMessage();
        return message == null ? failure.toString() : message;
    }
}
