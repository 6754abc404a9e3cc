// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.demo;

import dev.meshcni.api.CniException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code meshcni demo}: redirects the traffic of a pod on this machine, with real parts, and proves it. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description = {
            "Redirect the traffic of a pod on this machine, and verify it with connections.",
            "",
            "Uses real components: network namespaces, the base plugin ptp, the plugin istio-cni, its agent, iptables,"
                    + " TCP. Everything runs in its own network namespaces and a temporary directory; the machine's"
                    + " network is not changed, and everything is removed at the end. Requires root, ip(8) and"
                    + " iptables."
        })
public final class DemoCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    /** For picocli, which fills it. */
    public DemoCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        if (!"root".equals(System.getProperty("user.name"))) {
            throw new DemoException("the demo creates network namespaces, which requires root: sudo ./dev demo");
        }
        DemoTalk talk = new DemoTalk(spec.commandLine().getOut());
        Path programs = Path.of(System.getProperty("java.home")).resolveSibling("bin");
        DemoStage stage = DemoStage.set();
        try (stage;
                DemoAgent agent = DemoAgent.start(programs, stage)) {
            play(new Demo(talk, stage, programs), agent, talk);
        }
        List<String> remains = stage.remains();
        talk.scene("Cleanup", "what is left on the machine");
        talk.proof("namespaces, processes and files", "nothing", remains.isEmpty() ? "nothing" : remains.toString());
        talk.end();
        return talk.allProven() ? ExitCode.OK : ExitCode.SOFTWARE;
    }

    private static void play(Demo demo, DemoAgent agent, DemoTalk talk) {
        try {
            demo.play();
        } catch (CniException e) {
            talk.say("agent log:");
            talk.show(agent.log());
            throw new DemoException(e.getMessage() + " (code " + e.code() + "): " + e.details());
        }
    }
}
