// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.api.CniException;
import dev.meshcni.core.AgentlessDecision;
import dev.meshcni.core.Answer;
import dev.meshcni.host.linux.RootPathCheck;
import java.io.IOException;

/**
 * The file in the agent's run directory that holds what the plugin decided without the agent, until the agent takes it
 * (docs/decisions/0015-what-the-plugin-decides-alone-is-told-later.md). It is root's alone, and bounded.
 */
final class DecisionLog {
    private static final String DEFAULT_LEVEL = "info";

    private final Host host;
    private final String runDirectory;

    DecisionLog(Host host, String runDirectory) {
        this.host = host;
        this.runDirectory = runDirectory;
    }

    /**
     * Keeps an answer if the configuration of its call asks for its level. Where it cannot be kept, the runtime's log
     * still has it.
     */
    void keep(Answer answer, byte[] config) {
        AgentlessDecision decision = AgentlessDecision.of(answer, UtcTime.text(host.currentTimeMillis()));
        if (!decision.isLoggedAt(level(config))) {
            return;
        }
        try {
            append(decision);
        } catch (IOException e) {
            return;
        }
    }

    private static String level(byte[] config) {
        try {
            return CallConfig.parse(config).text("plugin_log_level").orElse(DEFAULT_LEVEL);
        } catch (CniException e) {
            return DEFAULT_LEVEL;
        }
    }

    /**
     * Adds a decision, in one write(2) to a file that is opened for appending, so that plugins which write at once tear
     * no line. The line has an end before it as well: one that a full disk cut short spoils no other.
     */
    private void append(AgentlessDecision decision) throws IOException {
        if (decision.command().equals("ADD")) {
            makeAfterReboot();
        }
        // Where others can write they could have put something else in the file's place, such as a pipe.
        String directory = new RootPathCheck(new HostFiles(host)).privateDirectory(runDirectory);
        int log = Errno.check(host.openLog(CString.of(directory + "/" + AgentlessDecision.FILE_NAME)));
        if (host.size(log) < AgentlessDecision.LONGEST_FILE) {
            byte[] line = ('\n' + decision.line() + '\n').getBytes(UTF_8);
            host.write(log, line, 0, line.length);
        }
        host.close(log);
    }

    /**
     * The directory is in memory on most nodes, and the first pods come before the agent that would make it. It is
     * there; or it is made; or what it is in is not there, and then there is no agent to tell, as the next look at it
     * says.
     */
    private void makeAfterReboot() throws IOException {
        host.makeDirectory(CString.of(runDirectory));
    }
}
