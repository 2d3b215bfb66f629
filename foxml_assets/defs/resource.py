"""The workspace as a resource of every asset and sensor."""

import dagster as dg

from foxml_assets.defs.running.held_databases import use_connections_again
from foxml_assets.defs.running.runs import claim_run, claim_server
from foxml_assets.workspace import Workspace


def workspace_resource(workspace: Workspace) -> dg.ResourceDefinition:
    """`workspace`; the process that executes a run claims it, and the server of the sensors claims the root.

    It takes no config, so that run config cannot redirect it.
    """

    @dg.resource(config_schema={}, description="Where everything is: the root and the config files.")
    def resource(context: dg.InitResourceContext) -> Workspace:
        if context.run is not None and context.instance is not None:
            claim_run(context.instance, context.run, workspace.root)
            use_connections_again(context.instance)
        else:
            claim_server(workspace)
        return workspace

    return resource
