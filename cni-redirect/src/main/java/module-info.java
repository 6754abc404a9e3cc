/**
 * From a pod to its rules: what its author has written, whether it is redirected, by which parameters, and the rules
 * that follow. Pure: no file, no network, no process.
 */
module dev.meshcni.redirect {
    requires transitive dev.meshcni.rules;

    exports dev.meshcni.redirect;
}
