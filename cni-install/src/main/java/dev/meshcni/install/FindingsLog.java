// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import dev.meshcni.api.conf.Finding;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/** Tells in the log what an operator has to know about the node: each finding once, and when it is no longer so. */
final class FindingsLog {
    private static final Logger LOG = LoggerFactory.getLogger(FindingsLog.class);

    private final Set<Finding> told = new LinkedHashSet<>();

    /** Takes what is found now, and tells what is new and what is gone. */
    void tell(List<Finding> findings) {
        told.removeIf(finding -> {
            boolean gone = !findings.contains(finding);
            if (gone) {
                LOG.info("resolved: {}", finding.what());
            }
            return gone;
        });
        findings.stream().filter(told::add).forEach(FindingsLog::log);
    }

    private static void log(Finding finding) {
        Level level = switch (finding.severity()) {
            case INFO -> Level.INFO;
            case WARNING -> Level.WARN;
            case ERROR -> Level.ERROR;
        };
        String remedy = finding.remedy().isEmpty() ? "" : "; remedy: " + finding.remedy();
        LOG.atLevel(level).log(finding.what() + remedy);
    }
}
