// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import dev.meshcni.api.CniException;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.api.SpecVersion;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Answer;
import dev.meshcni.core.PluginErrorCode;
import dev.meshcni.core.PluginReplies;
import dev.meshcni.host.linux.RootPathCheck;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The plugin {@code istio-cni}: hands its environment and standard input to the agent and prints the agent's answer;
 * where no agent answers it decides alone.
 */
public final class Plugin {
    private static final String DEFAULT_RUN_DIRECTORY = "/var/run/istio-cni";
    private static final String VARIABLES = "CNI_";
    private static final String COMMAND = "CNI_COMMAND";
    private static final int SECONDS_FOR_ADD = 90;
    private static final int SECONDS_FOR_DEL = 5;
    private static final int SECONDS_FOR_INPUT = 30;
    private static final int SECONDS_FOR_INPUT_OF_VERSION = 1;
    private static final int SECONDS_FOR_OUTPUT = 10;
    private static final int FAILED = 1;

    private final Host host;
    private final StandardStreams streams;

    private Plugin(Host host) {
        this.host = host;
        this.streams = new StandardStreams(host);
    }

    /** Answers the call that this process was started with, and ends it. */
    public static void run(Host host) {
        Plugin plugin = new Plugin(host);
        AgentProtocol.Reply reply = plugin.answer();
        boolean printed = plugin.streams.print(reply.stdout(), TimeLimit.after(host, SECONDS_FOR_OUTPUT));
        host.exit(printed ? reply.exitCode() : FAILED);
    }

    private AgentProtocol.Reply answer() {
        try {
            Map<String, String> environment = variables();
            if ("VERSION".equals(environment.get(COMMAND))) {
                return version();
            }
            byte[] config = input();
            return answer(new AgentProtocol.Request(environment, config));
        } catch (CniException e) {
            return PluginReplies.error(SpecVersion.latest(), e);
        } catch (RuntimeException e) {
            return PluginReplies.error(
                    SpecVersion.latest(),
                    new CniException(
                            PluginErrorCode.INTERNAL,
                            "internal error of the plugin",
                            e.getClass().getName()));
        }
    }

    /** In the version that it is asked in, and the newest for one that is not known. */
    private AgentProtocol.Reply version() {
        String asked = TopLevelText.find(inputOfVersion(), "cniVersion").orElse("");
        return PluginReplies.version(SpecVersion.of(asked).orElse(SpecVersion.latest()));
    }

    private AgentProtocol.Reply answer(AgentProtocol.Request call) {
        String runDirectory = TopLevelText.find(call.stdin(), "cni_agent_run_dir")
                .filter(directory -> !directory.isEmpty())
                .orElse(DEFAULT_RUN_DIRECTORY);
        try {
            return askAgent(call, runDirectory);
        } catch (IOException e) {
            Answer answer = AgentlessPlugin.answer(call, e.getMessage());
            new DecisionLog(host, runDirectory).keep(answer, call.stdin());
            return answer.reply();
        }
    }

    /** Asks whoever listens, once it is certain that only root can have put the socket there, and that root listens. */
    private AgentProtocol.Reply askAgent(AgentProtocol.Request call, String runDirectory) throws IOException {
        int seconds = "DEL".equals(call.environment().get(COMMAND)) ? SECONDS_FOR_DEL : SECONDS_FOR_ADD;
        String socket =
                new RootPathCheck(new HostFiles(host)).privateDirectory(runDirectory) + "/" + AgentProtocol.SOCKET_NAME;
        try (AgentConnection agent = AgentConnection.open(host, socket, TimeLimit.after(host, seconds))) {
            AgentProtocol.write(agent, call);
            return AgentProtocol.readReply(agent);
        } catch (IOException e) {
            throw new IOException(socket + ": " + e.getMessage(), e);
        }
    }

    private byte[] input() {
        try {
            return streams.readAll(TimeLimit.after(host, SECONDS_FOR_INPUT));
        } catch (IOException e) {
            throw new CniException(
                    ErrorCode.IO_FAILURE,
                    "cannot read the network configuration from standard input",
                    e.getMessage(),
                    e);
        }
    }

    /** Runtimes close standard input; a person at a terminal need not. */
    private byte[] inputOfVersion() {
        try {
            return streams.readAll(TimeLimit.after(host, SECONDS_FOR_INPUT_OF_VERSION));
        } catch (IOException e) {
            return new byte[0];
        }
    }

    /** Of a variable that is duplicated the first one counts, as for getenv(3). */
    private Map<String, String> variables() {
        Map<String, String> variables = new LinkedHashMap<>();
        for (byte[] variable : host.environment()) {
            if (startsWith(VARIABLES, variable)) {
                String text = Utf8.text(variable, 0, variable.length);
                int equals = text.indexOf('=');
                if (equals > 0) {
                    variables.putIfAbsent(text.substring(0, equals), text.substring(equals + 1));
                }
            }
        }
        return variables;
    }

    private static boolean startsWith(String prefix, byte[] text) {
        boolean same = text.length >= prefix.length();
        for (int i = 0; same && i < prefix.length(); i++) {
            same = text[i] == prefix.charAt(i);
        }
        return same;
    }
}
